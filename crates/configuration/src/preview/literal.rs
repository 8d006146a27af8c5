//! Planned values as HCL expressions that Terraform evaluates to the same value, with the same unknown parts.
//!
//! An unknown is built on `timestamp()`, which Terraform does not call before it applies: until then it is an unknown text
//! that will not be null. `jsondecode` of that is an unknown of which nothing is known, and a condition on it chooses, not
//! yet known, between a value of the wanted type and null. No resource is needed, and so none is in the plan.

use domain::planned::{PlannedValue, Type, Unknown};

use crate::value::write_quoted;

/// Unknown, of any type.
const ANYTHING: &str = "jsondecode(timestamp())";

/// The expression for a value of this type (`Dynamic` where it is not known).
pub(super) fn expression(value: &PlannedValue, ty: &Type) -> String {
    match value {
        PlannedValue::Unknown(unknown) => unknown_expression(unknown),
        PlannedValue::Null if *ty == Type::Dynamic => "null".to_owned(),
        PlannedValue::Null => format!("(true ? null : {})", example(ty)),
        PlannedValue::Bool(value) => value.to_string(),
        PlannedValue::Number(text) => text.clone(),
        PlannedValue::Text(text) => quoted(text),
        PlannedValue::List(items) => collection("tolist", items, &element(ty)),
        PlannedValue::Set(items) => collection("toset", items, &element(ty)),
        PlannedValue::Tuple(items) => {
            let none = Vec::new();
            let types = if let Type::Tuple(types) = ty { types } else { &none };
            let types = types.iter().chain(std::iter::repeat(&Type::Dynamic));
            list(items.iter().zip(types).map(|(item, ty)| expression(item, ty)))
        }
        PlannedValue::Map(entries) => {
            let ty = element(ty);
            match (entries.is_empty(), &ty) {
                (true, Type::Dynamic) => "tomap({})".to_owned(),
                (true, ty) => format!("(true ? {{}} : tomap({{ k = {} }}))", example(ty)),
                (false, ty) => {
                    format!("tomap({})", object(entries.iter().map(|(key, value)| (key, expression(value, ty)))))
                }
            }
        }
        PlannedValue::Object(entries) => object(entries.iter().map(|(key, value)| {
            let ty = if let Type::Object(types) = ty { types.get(key) } else { None };
            (key, expression(value, ty.unwrap_or(&Type::Dynamic)))
        })),
    }
}

fn element(ty: &Type) -> Type {
    match ty {
        Type::List(item) | Type::Set(item) | Type::Map(item) => (**item).clone(),
        _ => Type::Dynamic,
    }
}

fn collection(function: &str, items: &[PlannedValue], ty: &Type) -> String {
    if items.is_empty() && *ty != Type::Dynamic {
        // Of no element no type can be told.
        return format!("(true ? [] : {function}([{}]))", example(ty));
    }
    format!("{function}({})", list(items.iter().map(|item| expression(item, ty))))
}

fn unknown_expression(unknown: &Unknown) -> String {
    match (&unknown.ty, unknown.not_null) {
        (Type::Dynamic, _) => ANYTHING.to_owned(),
        (Type::String, true) if unknown.prefix.is_empty() => "timestamp()".to_owned(),
        (Type::String, true) => {
            let prefix = quoted(&unknown.prefix);
            format!("{}${{timestamp()}}\"", prefix.strip_suffix('"').unwrap_or(&prefix))
        }
        (Type::Number, true) => "tonumber(timestamp())".to_owned(),
        (Type::Bool, true) => "tobool(timestamp())".to_owned(),
        (Type::Object(attributes), true) => {
            object(attributes.iter().map(|(name, ty)| (name, unknown_expression(&unknown_of(ty)))))
        }
        (Type::Tuple(types), true) => list(types.iter().map(|ty| unknown_expression(&unknown_of(ty)))),
        (Type::List(ty), _) if **ty == Type::Dynamic => format!("tolist({ANYTHING})"),
        (Type::Set(ty), _) if **ty == Type::Dynamic => format!("toset({ANYTHING})"),
        (Type::Map(ty), _) if **ty == Type::Dynamic => format!("tomap({ANYTHING})"),
        (ty, _) => format!("(timestamp() == \"\" ? {} : null)", example(ty)),
    }
}

fn unknown_of(ty: &Type) -> Unknown {
    Unknown { ty: ty.clone(), not_null: false, prefix: String::new() }
}

/// Some value of the type.
fn example(ty: &Type) -> String {
    match ty {
        Type::Dynamic => "null".to_owned(),
        Type::Bool => "false".to_owned(),
        Type::Number => "0".to_owned(),
        Type::String => "\"\"".to_owned(),
        Type::List(item) => format!("tolist([{}])", example(item)),
        Type::Set(item) => format!("toset([{}])", example(item)),
        Type::Map(item) => format!("tomap({{ k = {} }})", example(item)),
        Type::Tuple(items) => list(items.iter().map(example)),
        Type::Object(attributes) => object(attributes.iter().map(|(name, ty)| (name, example(ty)))),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// An object of these attributes, on one line.
pub(super) fn object<'a>(entries: impl Iterator<Item = (&'a String, String)>) -> String {
    let entries: Vec<String> = entries.map(|(key, value)| format!("{} = {value}", quoted(key))).collect();
    if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
}

/// A text as HCL.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::new();
    write_quoted(text, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::expect;

    use super::*;
    use PlannedValue as V;

    fn unknown(ty: Type, not_null: bool) -> V {
        V::Unknown(Unknown { ty, not_null, prefix: String::new() })
    }

    #[test]
    fn known_values_are_literals_of_their_type() {
        let text = |text: &str| V::Text(text.to_owned());
        let list = |ty| Type::List(Box::new(ty));
        let lines = [
            expression(&text("say \"${x}\"\n"), &Type::String),
            expression(&V::Null, &Type::Dynamic),
            expression(&V::Null, &list(Type::Bool)),
            expression(&V::List(vec![V::Number("1e30".into()), V::Number("-1.5".into())]), &list(Type::Number)),
            expression(&V::List(vec![]), &list(Type::String)),
            expression(&V::Set(vec![]), &Type::Set(Box::new(Type::Dynamic))),
            expression(&V::Tuple(vec![V::Bool(true), V::Null]), &Type::Tuple(vec![Type::Bool, Type::String])),
            expression(&V::Map(BTreeMap::from([("a b".into(), text("x"))])), &Type::Map(Box::new(Type::String))),
            expression(&V::Map(BTreeMap::new()), &Type::Map(Box::new(list(Type::String)))),
            expression(&V::Object(BTreeMap::new()), &Type::Dynamic),
        ];
        expect![[r#"
            "say \"$${x}\"\n"
            null
            (true ? null : tolist([false]))
            tolist([1e30, -1.5])
            (true ? [] : tolist([""]))
            toset([])
            [true, (true ? null : "")]
            tomap({ "a b" = "x" })
            (true ? {} : tomap({ k = tolist([""]) }))
            {}"#]]
        .assert_eq(&lines.join("\n"));
    }

    #[test]
    fn unknown_values_are_unknowns_of_their_type() {
        let attributes = || BTreeMap::from([("a".to_owned(), Type::String), ("b".to_owned(), Type::Dynamic)]);
        let prefix = V::Unknown(Unknown { ty: Type::String, not_null: true, prefix: "a-\"".to_owned() });
        let lines = [
            expression(&V::unknown(), &Type::Dynamic),
            expression(&unknown(Type::String, true), &Type::Dynamic),
            expression(&unknown(Type::String, false), &Type::Dynamic),
            expression(&prefix, &Type::String),
            expression(&unknown(Type::Number, true), &Type::Number),
            expression(&unknown(Type::Set(Box::new(Type::String)), true), &Type::Dynamic),
            expression(&unknown(Type::List(Box::new(Type::Dynamic)), false), &Type::Dynamic),
            expression(&unknown(Type::Object(attributes()), true), &Type::Dynamic),
            expression(&unknown(Type::Object(attributes()), false), &Type::Dynamic),
            expression(&V::Map(BTreeMap::from([("k".into(), V::unknown())])), &Type::Dynamic),
        ];
        expect![[r#"
            jsondecode(timestamp())
            timestamp()
            (timestamp() == "" ? "" : null)
            "a-\"${timestamp()}"
            tonumber(timestamp())
            (timestamp() == "" ? toset([""]) : null)
            tolist(jsondecode(timestamp()))
            { "a" = (timestamp() == "" ? "" : null), "b" = jsondecode(timestamp()) }
            (timestamp() == "" ? { "a" = "", "b" = null } : null)
            tomap({ "k" = jsondecode(timestamp()) })"#]]
        .assert_eq(&lines.join("\n"));
    }
}
