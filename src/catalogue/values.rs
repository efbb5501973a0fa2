//! The values that fields hold: quantities, numbers, texts, lists.

use serde_json::{Value, json};
use std::str::FromStr;

use super::{Book, Decoder, Described, Form, Node, Tree};
use crate::units::{Fraction, Quantity, UnitError};

impl<Q: Quantity> Described for Q {
    fn decode(node: &Node, decoder: &mut Decoder) -> Self {
        let read = match &node.tree {
            Tree::Text(text) => Q::parse(text),
            Tree::Number(number) => Err(UnitError::MissingUnit {
                number: number.clone(),
                usual: Q::USUAL,
            }),
            _ => {
                decoder.expected(Q::WHAT, &format!("\"{}\"", Q::EXAMPLE), node);
                return Self::stand_in();
            }
        };
        read.unwrap_or_else(|error| {
            decoder.error(error.code(), node.origin, error.to_string(), Some(error.hint()));
            Self::stand_in()
        })
    }

    fn stand_in() -> Self {
        Q::from_base(0)
    }

    fn encode(&self) -> Value {
        Value::String(self.to_string())
    }

    fn schema(_: &mut Book) -> Value {
        let units: Vec<&str> = Q::UNITS.iter().map(|(name, _)| *name).collect();
        let mut pattern = units.join("|");
        if units.contains(&"us") {
            pattern.push_str("|µs");
        }
        json!({
            "type": "string",
            "pattern": format!("^\\s*\\+?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?\\s*({pattern})\\s*$"),
            "examples": [Q::EXAMPLE],
        })
    }
}

impl Described for Fraction {
    fn decode(node: &Node, decoder: &mut Decoder) -> Self {
        let (Tree::Text(text) | Tree::Number(text)) = &node.tree else {
            decoder.expected("a number from 0 to 1 or a percentage", "0.5", node);
            return Self::stand_in();
        };
        Fraction::from_str(text).unwrap_or_else(|error| {
            decoder.error(error.code(), node.origin, error.to_string(), Some(error.hint()));
            Self::stand_in()
        })
    }

    fn stand_in() -> Self {
        Fraction::HALF
    }

    fn encode(&self) -> Value {
        json!(self.as_number())
    }

    fn schema(_: &mut Book) -> Value {
        json!({
            "anyOf": [
                { "type": "number", "minimum": 0, "maximum": 1 },
                { "type": "string", "pattern": "^\\s*[0-9]+(\\.[0-9]+)?\\s*%?\\s*$" },
            ],
            "examples": [0.5],
        })
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Described for $type {
            fn decode(node: &Node, decoder: &mut Decoder) -> Self {
                let Tree::Number(text) = &node.tree else {
                    decoder.expected("a whole number", "1", node);
                    return 0;
                };
                text.parse().unwrap_or_else(|_| {
                    decoder.error(
                        "not_an_integer",
                        node.origin,
                        format!("{text} is not a whole number from 0 to {}", <$type>::MAX),
                        None,
                    );
                    0
                })
            }

            fn stand_in() -> Self {
                0
            }

            fn encode(&self) -> Value {
                json!(self)
            }

            fn schema(_: &mut Book) -> Value {
                json!({ "type": "integer", "minimum": 0, "maximum": <$type>::MAX, "examples": [1] })
            }
        }
    )*};
}

integers!(u32, u64);

impl Described for f64 {
    fn decode(node: &Node, decoder: &mut Decoder) -> Self {
        let number = match &node.tree {
            Tree::Number(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        };
        number.unwrap_or_else(|| {
            decoder.expected("a number", "0.01", node);
            0.0
        })
    }

    fn stand_in() -> Self {
        0.0
    }

    fn encode(&self) -> Value {
        json!(self)
    }

    fn schema(_: &mut Book) -> Value {
        json!({ "type": "number", "examples": [0.01] })
    }
}

impl Described for bool {
    fn decode(node: &Node, decoder: &mut Decoder) -> Self {
        if let Tree::Bool(value) = node.tree {
            value
        } else {
            decoder.expected("true or false", "true", node);
            false
        }
    }

    fn stand_in() -> Self {
        false
    }

    fn encode(&self) -> Value {
        json!(self)
    }

    fn schema(_: &mut Book) -> Value {
        json!({ "type": "boolean", "examples": [true] })
    }
}

impl Described for String {
    fn decode(node: &Node, decoder: &mut Decoder) -> Self {
        if let Tree::Text(text) = &node.tree {
            text.clone()
        } else {
            decoder.expected("a string", "\"…\"", node);
            String::new()
        }
    }

    fn stand_in() -> Self {
        String::new()
    }

    fn encode(&self) -> Value {
        json!(self)
    }

    fn schema(_: &mut Book) -> Value {
        json!({ "type": "string" })
    }
}

impl<T: Described> Described for Option<T> {
    fn decode(node: &Node, decoder: &mut Decoder) -> Self {
        Some(T::decode(node, decoder))
    }

    fn stand_in() -> Self {
        None
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn encode(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::encode)
    }

    fn schema(book: &mut Book) -> Value {
        T::schema(book)
    }
}

impl<T: Described> Described for Vec<T> {
    fn decode(node: &Node, decoder: &mut Decoder) -> Self {
        let Tree::Array(items) = &node.tree else {
            decoder.expected("a list", "[…]", node);
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .map(|(index, item)| decoder.within(index, |decoder| T::decode(item, decoder)))
            .collect()
    }

    fn stand_in() -> Self {
        Vec::new()
    }

    fn absent() -> Option<Self> {
        Some(Vec::new())
    }

    fn encode(&self) -> Value {
        self.iter().map(T::encode).collect()
    }

    fn schema(book: &mut Book) -> Value {
        let items = T::schema(book);
        if book.form == Form::Partial && T::HAS_ID {
            let by_id = json!({ "anyOf": [items, { "type": "null" }] });
            json!({ "anyOf": [
                { "type": "array", "items": { "allOf": [items, { "required": ["id"] }] } },
                { "type": "object", "additionalProperties": by_id },
            ] })
        } else {
            json!({ "type": "array", "items": items })
        }
    }
}

impl<T: Described> Described for [T; 2] {
    fn decode(node: &Node, decoder: &mut Decoder) -> Self {
        if let Tree::Array(items) = &node.tree {
            if let [first, second] = items.as_slice() {
                return [
                    decoder.within(0, |decoder| T::decode(first, decoder)),
                    decoder.within(1, |decoder| T::decode(second, decoder)),
                ];
            }
            decoder.error(
                "not_two",
                node.origin,
                format!("expected two ends, found {}", items.len()),
                Some("write [\"one end\", \"other end\"]".to_owned()),
            );
        } else {
            decoder.expected("a list of two ends", "[\"one end\", \"other end\"]", node);
        }
        Self::stand_in()
    }

    fn stand_in() -> Self {
        [T::stand_in(), T::stand_in()]
    }

    fn encode(&self) -> Value {
        self.iter().map(T::encode).collect()
    }

    fn schema(book: &mut Book) -> Value {
        json!({ "type": "array", "items": T::schema(book), "minItems": 2, "maxItems": 2 })
    }
}
