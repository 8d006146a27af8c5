//! Terraform's JSON syntax (`*.tf.json`), turned into the same body that native syntax parses to, as far as this crate
//! looks at it. Source of the mapping: the JSON configuration syntax of the Terraform language.
//!
//! Absent: spans, and any block type that is not read.

use hcl_edit::expr::{Array, Expression, Object, ObjectKey};
use hcl_edit::structure::{Attribute, Block, Body};
use hcl_edit::template::StringTemplate;
use hcl_edit::{Decorated, Ident};
use serde_json::{Map, Value};

/// Block types by name, with the number of their labels and the blocks that may be in them.
struct Shape {
    name: &'static str,
    labels: usize,
    blocks: &'static [Shape],
}

const WORKSPACES: Shape = Shape { name: "workspaces", labels: 0, blocks: &[] };

const TOP: &[Shape] = &[
    Shape {
        name: "terraform",
        labels: 0,
        blocks: &[
            Shape { name: "backend", labels: 1, blocks: &[WORKSPACES] },
            Shape { name: "cloud", labels: 0, blocks: &[WORKSPACES] },
        ],
    },
    Shape { name: "variable", labels: 1, blocks: &[] },
    Shape { name: "output", labels: 1, blocks: &[] },
    Shape { name: "locals", labels: 0, blocks: &[] },
    Shape { name: "module", labels: 1, blocks: &[] },
    Shape { name: "data", labels: 2, blocks: &[] },
    Shape { name: "ephemeral", labels: 2, blocks: &[] },
    Shape { name: "resource", labels: 2, blocks: &[] },
];

/// The body of a JSON file; anything that is not an object at the top has no content.
pub(crate) fn body_of(top: &Value) -> Body {
    let mut body = Body::new();
    for object in objects(top) {
        fill(&mut body, object, TOP);
    }
    body
}

/// The expression a JSON value stands for: strings are templates.
pub(crate) fn expression(value: &Value) -> Expression {
    match value {
        Value::Null => Expression::null(),
        Value::Bool(value) => Expression::from(*value),
        Value::Number(number) => number.to_string().parse().unwrap_or_else(|_| Expression::null()),
        Value::String(text) => template(text),
        Value::Array(items) => Expression::Array(items.iter().map(expression).collect::<Array>()),
        Value::Object(entries) => {
            let mut object = Object::with_capacity(entries.len());
            for (key, value) in entries {
                object.insert(ObjectKey::Expression(template(key)), expression(value));
            }
            Expression::Object(object)
        }
    }
}

fn template(text: &str) -> Expression {
    if !text.contains("${") && !text.contains("%{") {
        return Expression::from(text);
    }
    match hcl_edit::parser::parse_template(text) {
        Ok(template) => Expression::StringTemplate(StringTemplate::from_iter(template)),
        Err(_) => Expression::from(text),
    }
}

fn fill(body: &mut Body, object: &Map<String, Value>, shapes: &[Shape]) {
    for (key, value) in object {
        if let Some(shape) = shapes.iter().find(|shape| shape.name == key) {
            blocks(body, shape, &mut Vec::new(), value);
        } else if let Ok(name) = Ident::try_new(key.as_str()) {
            let _ = body.try_push(Attribute::new(Decorated::new(name), expression(value)));
        }
    }
}

fn blocks(body: &mut Body, shape: &Shape, labels: &mut Vec<String>, value: &Value) {
    for object in objects(value) {
        if labels.len() < shape.labels {
            for (label, inner) in object {
                labels.push(label.clone());
                blocks(body, shape, labels, inner);
                labels.pop();
            }
        } else {
            let mut block = Block::builder(Ident::new(shape.name)).labels(labels.iter().map(String::as_str)).build();
            fill(&mut block.body, object, shape.blocks);
            let _ = body.try_push(block);
        }
    }
}

/// Where a block may be, a list of blocks may be.
fn objects(value: &Value) -> Vec<&Map<String, Value>> {
    match value {
        Value::Object(object) => vec![object],
        Value::Array(items) => items.iter().filter_map(Value::as_object).collect(),
        _ => Vec::new(),
    }
}
