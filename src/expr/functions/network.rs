//! Network addresses and places on the earth.

use std::net::IpAddr;

use super::arithmetic::counted;
use super::{Category, Form, Function, MANY, Prepared};
use crate::data::{DataType, Value};
use crate::expr::{EvalContext, TypeError};

/// A network: its address and how many of its bits count. IPv4 addresses in IPv6 dress are IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

const BASE: Function = Function::of(Category::Network);

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "CIDR_MATCH",
        arity: (2, MANY),
        signature: "CIDR_MATCH(ip, network, …)",
        doc: "Whether the address (IPv4 or IPv6) lies in one of the networks. A text that is no address gives NULL.",
        examples: &[("CIDR_MATCH('10.1.2.3', '192.168.0.0/16', '10.0.0.0/8')", "true")],
        form: Form::Eager(|s| s.texts()?.gives(DataType::Bool, cidr_match)),
        prepare: Some(prepare_networks),
        ..BASE
    },
    Function {
        name: "GEO_DISTANCE",
        arity: (4, 4),
        signature: "GEO_DISTANCE(lat1, lon1, lat2, lon2)",
        doc: "Metres between two places in degrees, along a sphere of the earth's mean radius.",
        examples: &[("ROUND(GEO_DISTANCE(52.52, 13.405, 48.8566, 2.3522) / 1000)", "877.0")],
        form: Form::Eager(|s| s.float()?.float()?.float()?.float()?.gives(DataType::Float, geo_distance)),
        ..BASE
    },
];

impl Network {
    /// `10.0.0.0/8`, `fe80::/10`; an address alone is a network of one.
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => bits.parse().ok().filter(|bits| *bits <= longest)?,
            Some(_) => return None,
            None => longest,
        };
        let canonical = address.to_canonical();
        match (canonical.is_ipv4() && address.is_ipv6(), bits) {
            (true, 96..) => Some(Self { address: canonical, bits: bits - 96 }),
            _ => Some(Self { address, bits }),
        }
    }

    fn contains(&self, address: IpAddr) -> bool {
        let differs = match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => u128::from(a.to_bits() ^ b.to_bits()) << 96,
            (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits() ^ b.to_bits(),
            _ => return false,
        };
        differs.leading_zeros() >= u32::from(self.bits)
    }
}

fn prepare_networks(args: &[Option<&Value<'static>>]) -> Result<Prepared, TypeError> {
    let mut networks = Vec::with_capacity(args.len() - 1);
    let mut all_constant = true;
    for (i, arg) in args.iter().enumerate().skip(1) {
        let Some(Value::String(text)) = arg else {
            all_constant = false;
            continue;
        };
        let expected = "a network such as '10.0.0.0/8'";
        networks.push(Network::parse(text).ok_or_else(|| TypeError::new("CIDR_MATCH", vec![DataType::String], expected).at(i))?);
    }
    Ok(if all_constant { Prepared::Networks(networks.into()) } else { Prepared::None })
}

fn cidr_match<'a>(args: &mut [Value<'a>], prepared: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let address = match &args[0] {
        Value::String(text) => text.trim().parse::<IpAddr>().ok().map(|ip| ip.to_canonical()),
        _ => return Value::Null,
    };
    let Some(address) = address else { return counted(None, ctx) };
    if let Prepared::Networks(networks) = prepared {
        return Value::Bool(networks.iter().any(|network| network.contains(address)));
    }
    let networks = args[1..].iter().map(|arg| match arg {
        Value::String(text) => Network::parse(text),
        _ => None,
    });
    let matched: Option<Vec<bool>> = networks.map(|network| network.map(|network| network.contains(address))).collect();
    counted(matched.map(|matched| Value::Bool(matched.contains(&true))), ctx)
}

/// Haversine: exact enough for neighbours too, where the law of cosines is not.
fn geo_distance<'a>(args: &mut [Value<'a>], _: &Prepared, _: &EvalContext) -> Value<'a> {
    const RADIUS: f64 = 6_371_008.8;
    let [Value::Float(lat1), Value::Float(lon1), Value::Float(lat2), Value::Float(lon2)] = args else { return Value::Null };
    let (lat1, lon1, lat2, lon2) = (lat1.to_radians(), lon1.to_radians(), lat2.to_radians(), lon2.to_radians());
    let chord = ((lat2 - lat1) / 2.0).sin().powi(2) + lat1.cos() * lat2.cos() * ((lon2 - lon1) / 2.0).sin().powi(2);
    Value::Float(2.0 * RADIUS * chord.sqrt().min(1.0).asin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::functions::test::{call, failed, refused};

    fn matches(ip: &'static str, networks: &[&'static str]) -> Value<'static> {
        let args: Vec<_> = std::iter::once(&ip).chain(networks).map(|t| Value::string(*t)).collect();
        call("CIDR_MATCH", &args)
    }

    #[test]
    fn networks() {
        let (yes, no) = (Value::Bool(true), Value::Bool(false));
        assert_eq!(matches("10.1.2.3", &["192.168.0.0/16", "10.0.0.0/8"]), yes);
        assert_eq!(matches("11.1.2.3", &["10.0.0.0/8"]), no);
        assert_eq!(matches("1.2.3.4", &["0.0.0.0/0"]), yes);
        assert_eq!(matches("1.2.3.4", &["1.2.3.4"]), yes);
        assert_eq!(matches("fe80::1", &["fe80::/10"]), yes);
        assert_eq!(matches("fe80::1", &["10.0.0.0/8"]), no);
        assert_eq!(matches("::ffff:10.0.0.1", &["10.0.0.0/8"]), yes);
        assert_eq!(matches("10.0.0.1", &["::ffff:10.0.0.0/104"]), yes);
        assert_eq!(matches("2001:db8::1", &["::/0"]), yes);
        assert!(failed("CIDR_MATCH", &[Value::string("host"), Value::string("10.0.0.0/8")]));
        for wrong in ["10.0.0.0/33", "10.0.0/8", "x", "10.0.0.0/", "10.0.0.0/+8"] {
            assert_eq!(refused("CIDR_MATCH", &[Value::string("10.0.0.1"), Value::string(wrong)]).argument, Some(1));
        }
    }

    #[test]
    fn distances() {
        let metres = |a: [f64; 4]| match call("GEO_DISTANCE", &a.map(Value::Float)) {
            Value::Float(metres) => metres,
            other => panic!("{other:?}"),
        };
        assert!((metres([52.52, 13.405, 48.8566, 2.3522]) - 877_464.6).abs() < 1.0);
        assert_eq!(metres([1.0, 2.0, 1.0, 2.0]), 0.0);
        assert!((metres([0.0, 0.0, 0.0, 180.0]) - 20_015_114.4).abs() < 1.0);
    }
}
