//! Schemas: what a block may hold, what Terraform decides by itself and what the provider decides.

use serde_json::{Value as Json, json};

use super::diagnostics::{At, at, error};
use super::messages;
use super::value::{Map, Value};

/// A type of Terraform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Text.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Bool,
    /// Any type; the value says which.
    Dynamic,
    /// Elements in an order.
    List(Box<Type>),
    /// Elements without an order, each once.
    Set(Box<Type>),
    /// Values by text.
    Map(Box<Type>),
}

impl Type {
    /// A list of texts.
    pub fn texts() -> Self {
        Self::List(Box::new(Self::Text))
    }

    /// A set of texts.
    pub fn text_set() -> Self {
        Self::Set(Box::new(Self::Text))
    }

    /// A map of texts.
    pub fn text_map() -> Self {
        Self::Map(Box::new(Self::Text))
    }

    fn json(&self) -> Json {
        match self {
            Self::Text => "string".into(),
            Self::Number => "number".into(),
            Self::Bool => "bool".into(),
            Self::Dynamic => "dynamic".into(),
            Self::List(of) => json!(["list", of.json()]),
            Self::Set(of) => json!(["set", of.json()]),
            Self::Map(of) => json!(["map", of.json()]),
        }
    }
}

/// Who decides an attribute's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The configuration must.
    Required,
    /// The configuration may; otherwise it is null.
    Optional,
    /// The configuration may; otherwise the default or the server.
    OptionalComputed,
    /// The server.
    Computed,
}

/// An attribute. Made by [`text`], [`flag`] and their like and then refined.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) of: Type,
    pub(crate) mode: Mode,
    pub(crate) sensitive: bool,
    pub(crate) write_only: bool,
    pub(crate) replaces: bool,
    pub(crate) fresh: bool,
    pub(crate) among: &'static [&'static str],
    pub(crate) default: Value,
    description: &'static str,
}

/// An optional attribute of the given type.
pub fn attribute(name: &'static str, of: Type, description: &'static str) -> Attribute {
    Attribute {
        name,
        of,
        mode: Mode::Optional,
        sensitive: false,
        write_only: false,
        replaces: false,
        fresh: false,
        among: &[],
        default: Value::Null,
        description,
    }
}

/// An optional text.
pub fn text(name: &'static str, description: &'static str) -> Attribute {
    attribute(name, Type::Text, description)
}

/// An optional yes or no.
pub fn flag(name: &'static str, description: &'static str) -> Attribute {
    attribute(name, Type::Bool, description)
}

/// An optional number.
pub fn number(name: &'static str, description: &'static str) -> Attribute {
    attribute(name, Type::Number, description)
}

/// The id, which only the server decides.
pub fn id() -> Attribute {
    text("id", "The id.").computed()
}

impl Attribute {
    /// The configuration must say it.
    pub fn required(mut self) -> Self {
        self.mode = Mode::Required;
        self
    }

    /// The server says it.
    pub fn computed(mut self) -> Self {
        self.mode = Mode::Computed;
        self
    }

    /// The configuration may say it, otherwise the server does.
    pub fn or_server(mut self) -> Self {
        self.mode = Mode::OptionalComputed;
        self
    }

    /// The configuration may say it, otherwise it is this.
    pub fn or(mut self, default: impl Into<Value>) -> Self {
        self.mode = Mode::OptionalComputed;
        self.default = default.into();
        self
    }

    /// Not shown to people.
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Never stored.
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// A change makes a new thing.
    pub fn replaces(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// The server may say something else after every change, so that an update leaves it open.
    pub fn fresh(mut self) -> Self {
        self.fresh = true;
        self
    }

    /// Only these texts are meant.
    pub fn among(mut self, words: &'static [&'static str]) -> Self {
        self.among = words;
        self
    }

    fn message(&self) -> messages::Attribute {
        messages::Attribute {
            name: self.name.to_owned(),
            r#type: self.of.json().to_string().into_bytes(),
            description: self.description.to_owned(),
            required: self.mode == Mode::Required,
            optional: matches!(self.mode, Mode::Optional | Mode::OptionalComputed),
            computed: matches!(self.mode, Mode::Computed | Mode::OptionalComputed),
            sensitive: self.sensitive,
            deprecated: false,
            write_only: self.write_only,
        }
    }
}

/// How often a nested block stands in its block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// At most once, as an object.
    Single,
    /// A list of at most this many; 0 for any number.
    List(i64),
}

/// Attributes and blocks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Block {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) blocks: Vec<(&'static str, Nesting, Block)>,
}

impl Block {
    /// A block of these attributes.
    pub fn of(attributes: impl IntoIterator<Item = Attribute>) -> Self {
        Self { attributes: attributes.into_iter().collect(), blocks: Vec::new() }
    }

    /// Adds a nested block.
    pub fn and(mut self, name: &'static str, nesting: Nesting, block: Block) -> Self {
        self.blocks.push((name, nesting, block));
        self
    }

    /// A value of this block in which nothing is said.
    pub fn nothing(&self) -> Map {
        let attributes = self.attributes.iter().map(|attribute| (attribute.name.to_owned(), Value::Null));
        let blocks = self.blocks.iter().map(|(name, nesting, _)| ((*name).to_owned(), nesting.nothing()));
        attributes.chain(blocks).collect()
    }

    /// Brings a value into the shape of this block: adds what is missing, drops what it does not know.
    pub fn shaped(&self, mut value: Map) -> Map {
        let mut shaped = self.nothing();
        for attribute in &self.attributes {
            if let Some(value) = value.remove(attribute.name) {
                shaped.insert(attribute.name.to_owned(), typed(value, &attribute.of));
            }
        }
        for (name, nesting, block) in &self.blocks {
            let inner = |value| if let Value::Map(map) = value { Value::Map(block.shaped(map)) } else { value };
            let value = match value.remove(*name) {
                None | Some(Value::Null) => nesting.nothing(),
                Some(Value::List(list)) => Value::List(list.into_iter().map(inner).collect()),
                Some(value) => inner(value),
            };
            shaped.insert((*name).to_owned(), value);
        }
        shaped
    }

    /// What is wrong with a value of this block, with the place where it is wrong. Unknown values pass.
    pub fn wrong(&self, value: &Map, place: &[At], told: &mut Vec<messages::Diagnostic>) {
        for attribute in self.attributes.iter().filter(|attribute| !attribute.among.is_empty()) {
            if let Some(Value::Text(said)) = value.get(attribute.name)
                && !attribute.among.contains(&said.as_str())
            {
                let path = [place, &[At::Name(attribute.name)]].concat();
                let summary = format!("\"{}\" is no value of {}", said.escape_debug(), attribute.name);
                told.push(at(error(summary, format!("Say one of: {}.", attribute.among.join(", "))), &path));
            }
        }
        for (name, _, inner) in &self.blocks {
            match value.get(*name) {
                Some(Value::List(list)) => {
                    for (index, one) in list.iter().enumerate().filter_map(|(index, one)| Some((index, one.as_map()?)))
                    {
                        inner.wrong(one, &[place, &[At::Name(name), At::Index(index)]].concat(), told);
                    }
                }
                Some(Value::Map(one)) => inner.wrong(one, &[place, &[At::Name(name)]].concat(), told),
                _ => {}
            }
        }
    }

    fn message(&self) -> messages::Block {
        let nested = |(name, nesting, block): &(&'static str, Nesting, Block)| {
            let (nesting, max_items) = match nesting {
                Nesting::Single => (messages::Nesting::Single, 0),
                Nesting::List(most) => (messages::Nesting::List, *most),
            };
            messages::NestedBlock {
                type_name: (*name).to_owned(),
                block: Some(block.message()),
                nesting: nesting.into(),
                min_items: 0,
                max_items,
            }
        };
        messages::Block {
            version: 0,
            attributes: self.attributes.iter().map(Attribute::message).collect(),
            block_types: self.blocks.iter().map(nested).collect(),
            description: String::new(),
            deprecated: false,
        }
    }
}

impl Nesting {
    fn nothing(self) -> Value {
        if self == Self::Single { Value::Null } else { Value::List(Vec::new()) }
    }
}

/// A value from a state file in the form that the type has on the wire; only dynamic values differ.
fn typed(value: Value, of: &Type) -> Value {
    match (of, value) {
        (Type::Dynamic, Value::Map(mut map))
            if map.len() == 2 && map.contains_key("type") && map.contains_key("value") =>
        {
            let of = map.remove("type").unwrap_or_default().to_json().to_string().into_bytes();
            Value::List(vec![Value::Bytes(of), map.remove("value").unwrap_or_default()])
        }
        (_, value) => value,
    }
}

/// The schema of a resource, a data source or the provider.
pub fn schema(version: i64, block: &Block) -> messages::Schema {
    messages::Schema { version, block: Some(block.message()) }
}
