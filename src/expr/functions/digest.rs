//! Digests of values and texts.

use std::fmt::Write;

use md5::Md5;
use sha2::{Digest, Sha256};

use super::{Category, Form, Function, MANY, Prepared};
use crate::data::{DataType, KeyBuffer, Value};
use crate::expr::EvalContext;

const BASE: Function = Function::of(Category::Digest);

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "HASH",
        arity: (1, MANY),
        signature: "HASH(a, …)",
        doc: "A 64-bit number from any values, the same on every machine and in every run: for sampling and sharding, not for secrets.",
        examples: &[("HASH('a') = HASH('a')", "true")],
        form: Form::Eager(|s| s.rest().gives(DataType::Int, hash)),
        ..BASE
    },
    Function {
        name: "MD5",
        signature: "MD5(text)",
        doc: "The MD5 digest of the text's UTF-8 bytes, as 32 hexadecimal digits.",
        examples: &[("MD5('abc')", "900150983cd24fb0d6963f7d28e17f72")],
        form: Form::Eager(|s| s.text()?.gives(DataType::String, |args, _, _| hexadecimal::<Md5>(&args[0]))),
        ..BASE
    },
    Function {
        name: "SHA256",
        signature: "SHA256(text)",
        doc: "The SHA-256 digest of the text's UTF-8 bytes, as 64 hexadecimal digits.",
        examples: &[("LEFT(SHA256('abc'), 8)", "ba7816bf")],
        form: Form::Eager(|s| s.text()?.gives(DataType::String, |args, _, _| hexadecimal::<Sha256>(&args[0]))),
        ..BASE
    },
];

fn hash<'a>(args: &mut [Value<'a>], _: &Prepared, _: &EvalContext) -> Value<'a> {
    Value::Int(KeyBuffer::new().encode(args.iter_mut().map(std::mem::take)).hash64().cast_signed())
}

fn hexadecimal<D: Digest>(value: &Value<'_>) -> Value<'static> {
    let Value::String(text) = value else { return Value::Null };
    let mut digits = String::new();
    for byte in D::digest(text.as_bytes()) {
        write!(digits, "{byte:02x}").expect("writing to a string does not fail");
    }
    Value::string(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::functions::test::call;

    #[test]
    fn digests() {
        assert_eq!(call("MD5", &[Value::string("abc")]), Value::string("900150983cd24fb0d6963f7d28e17f72"));
        assert_eq!(
            call("SHA256", &[Value::string("abc")]),
            Value::string("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        );
        assert_eq!(call("HASH", &[Value::string("a"), Value::Int(1)]), call("HASH", &[Value::string("a"), Value::Int(1)]));
        assert_ne!(call("HASH", &[Value::string("a")]), call("HASH", &[Value::string("b")]));
        assert_eq!(call("HASH", &[Value::string("a"), Value::Null]), Value::Null);
    }
}
