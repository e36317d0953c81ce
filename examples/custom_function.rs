//! Functions of your own in a program. `cargo run --example custom_function`

use std::error::Error;
use std::io::{Write, stdout};

use betide::{DataType, Engine, Options, ScalarFunction, TypeError, Value};

/// `LUHN(number)`: whether the last digit of a card number is the check digit of the others.
#[derive(Debug)]
struct Luhn;

impl ScalarFunction for Luhn {
    fn name(&self) -> &str {
        "LUHN"
    }

    fn resolve(&self, found: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError> {
        match found {
            [_] => Ok((vec![DataType::String], DataType::Bool)),
            _ => Err(TypeError::new("LUHN", found.to_vec(), "1 argument")),
        }
    }

    fn call(&self, args: &[Value<'_>]) -> Value<'static> {
        let Some(Value::String(number)) = args.first() else { return Value::Null };
        let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
        let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
        let weighed = digits.iter().rev().enumerate().map(|(place, digit)| if place % 2 == 1 { doubled(*digit) } else { *digit });
        Value::Bool(!digits.is_empty() && weighed.sum::<u32>().is_multiple_of(10))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::default();
    options.register(Luhn)?;
    options.register_fn("LAST4", &[DataType::String], DataType::String, |args| match &args[0] {
        Value::String(text) => Value::String(text[text.len().saturating_sub(4)..].to_owned().into()),
        _ => Value::Null,
    })?;
    let program = "
        CREATE STREAM Payment (card STRING, amount FLOAT);
        SELECT last4(card) AS card, amount FROM Payment WHERE NOT luhn(card);";
    let mut engine = Engine::with_options(program, &options)?;
    engine.push_json(b"{\"card\":\"4539 1488 0343 6467\",\"amount\":20}\n{\"card\":\"8273 1232 7352 0569\",\"amount\":900}\n")?;
    engine.finish()?;
    engine.write_rows(&mut stdout())?;
    stdout().flush()?;
    Ok(())
}
