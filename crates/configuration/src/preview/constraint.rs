//! The `type` of a variable, and what becomes of a planned value that is given to it: the conversions that Terraform makes.
//!
//! What cannot be converted is left as it is: Terraform says the rest when it has the real value.

use std::collections::BTreeMap;

use domain::planned::{PlannedValue, Type, Unknown};
use hcl_edit::expr::{Expression, ObjectKey};

/// A type constraint.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Constraint {
    Any,
    Of(Type),
    List(Box<Constraint>),
    Set(Box<Constraint>),
    Map(Box<Constraint>),
    Tuple(Vec<Constraint>),
    /// By attribute, and whether it may be left out.
    Object(BTreeMap<String, (Constraint, bool)>),
}

/// Reads a type constraint; what is none is `any`.
pub(super) fn read(expression: &Expression) -> Constraint {
    match expression {
        Expression::Variable(word) => match word.as_str() {
            "string" => Constraint::Of(Type::String),
            "number" => Constraint::Of(Type::Number),
            "bool" => Constraint::Of(Type::Bool),
            "list" => Constraint::List(Box::new(Constraint::Any)),
            "map" => Constraint::Map(Box::new(Constraint::Any)),
            "set" => Constraint::Set(Box::new(Constraint::Any)),
            _ => Constraint::Any,
        },
        Expression::FuncCall(call) => {
            let Some(argument) = call.args.iter().next() else { return Constraint::Any };
            match (call.name.name.as_str(), argument) {
                ("list", item) => Constraint::List(Box::new(read(item))),
                ("set", item) => Constraint::Set(Box::new(read(item))),
                ("map", item) => Constraint::Map(Box::new(read(item))),
                ("optional", inner) => read(inner),
                ("tuple", Expression::Array(items)) => Constraint::Tuple(items.iter().map(read).collect()),
                ("object", Expression::Object(entries)) => {
                    let entries = entries.iter().filter_map(|(key, value)| {
                        let optional =
                            matches!(value.expr(), Expression::FuncCall(call) if call.name.name.as_str() == "optional");
                        Some((name_of(key)?, (read(value.expr()), optional)))
                    });
                    Constraint::Object(entries.collect())
                }
                _ => Constraint::Any,
            }
        }
        Expression::Parenthesis(inner) => read(inner.inner()),
        _ => Constraint::Any,
    }
}

fn name_of(key: &ObjectKey) -> Option<String> {
    match key {
        ObjectKey::Ident(name) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(Expression::String(name)) => Some(name.value().clone()),
        ObjectKey::Expression(Expression::Variable(name)) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(_) => None,
    }
}

/// The value that the variable will have.
pub(super) fn convert(value: PlannedValue, constraint: &Constraint) -> PlannedValue {
    use PlannedValue as V;
    match (constraint, value) {
        (Constraint::Any, value) => value,
        (constraint, V::Unknown(unknown)) => {
            let ty = type_of(constraint);
            let keep_prefix = ty == Type::String && unknown.ty == Type::String;
            let prefix = if keep_prefix { unknown.prefix } else { String::new() };
            V::Unknown(Unknown { ty: if has_any(constraint) { unknown.ty } else { ty }, prefix, ..unknown })
        }
        (Constraint::Of(Type::String), V::Number(text)) => V::Text(text),
        (Constraint::Of(Type::String), V::Bool(value)) => V::Text(value.to_string()),
        (Constraint::Of(Type::Number), V::Text(text)) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
            V::Number(text)
        }
        (Constraint::Of(Type::Bool), V::Text(text)) if text == "true" || text == "false" => V::Bool(text == "true"),
        (Constraint::List(item), V::List(items) | V::Tuple(items) | V::Set(items)) => V::List(all(items, item)),
        (Constraint::Set(item), V::List(items) | V::Tuple(items) | V::Set(items)) => V::Set(all(items, item)),
        (Constraint::Map(item), V::Map(entries) | V::Object(entries)) => {
            V::Map(entries.into_iter().map(|(key, value)| (key, convert(value, item))).collect())
        }
        (Constraint::Tuple(types), V::List(items) | V::Tuple(items)) if types.len() == items.len() => {
            V::Tuple(items.into_iter().zip(types).map(|(item, ty)| convert(item, ty)).collect())
        }
        (Constraint::Object(attributes), V::Map(mut entries) | V::Object(mut entries)) => {
            let named = attributes.iter().filter_map(|(name, (constraint, optional))| match entries.remove(name) {
                Some(value) => Some((name.clone(), convert(value, constraint))),
                None => optional.then(|| (name.clone(), V::Null)),
            });
            V::Object(named.collect())
        }
        (_, value) => value,
    }
}

fn all(items: Vec<PlannedValue>, constraint: &Constraint) -> Vec<PlannedValue> {
    items.into_iter().map(|item| convert(item, constraint)).collect()
}

/// The type that the constraint names; `Dynamic` for `any`.
pub(super) fn type_of(constraint: &Constraint) -> Type {
    let inner = |constraint: &Constraint| Box::new(type_of(constraint));
    match constraint {
        Constraint::Any => Type::Dynamic,
        Constraint::Of(ty) => ty.clone(),
        Constraint::List(item) => Type::List(inner(item)),
        Constraint::Set(item) => Type::Set(inner(item)),
        Constraint::Map(item) => Type::Map(inner(item)),
        Constraint::Tuple(items) => Type::Tuple(items.iter().map(type_of).collect()),
        Constraint::Object(attributes) => {
            Type::Object(attributes.iter().map(|(name, (item, _))| (name.clone(), type_of(item))).collect())
        }
    }
}

fn has_any(constraint: &Constraint) -> bool {
    match constraint {
        Constraint::Any => true,
        Constraint::Of(_) => false,
        Constraint::List(item) | Constraint::Set(item) | Constraint::Map(item) => has_any(item),
        Constraint::Tuple(items) => items.iter().any(has_any),
        Constraint::Object(attributes) => attributes.values().any(|(item, _)| has_any(item)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PlannedValue as V;

    fn constraint(text: &str) -> Constraint {
        read(&text.parse().unwrap())
    }

    fn text(text: &str) -> V {
        V::Text(text.to_owned())
    }

    #[test]
    fn a_value_becomes_what_the_variable_is_declared_as() {
        assert_eq!(convert(V::Number("80".into()), &constraint("string")), text("80"));
        assert_eq!(convert(text("80"), &constraint("number")), V::Number("80".into()));
        assert_eq!(convert(text("x"), &constraint("number")), text("x"));
        assert_eq!(convert(V::Tuple(vec![V::Bool(true)]), &constraint("set(string)")), V::Set(vec![text("true")]));
        let object = V::Object(BTreeMap::from([("a".into(), V::Number("1".into())), ("z".into(), V::Null)]));
        assert_eq!(
            convert(object.clone(), &constraint("object({ a = string, b = optional(list(string), []) })")),
            V::Object(BTreeMap::from([("a".into(), text("1")), ("b".into(), V::Null)])),
        );
        assert_eq!(
            convert(object, &constraint("map(any)")),
            V::Map(BTreeMap::from([("a".into(), V::Number("1".into())), ("z".into(), V::Null)])),
        );
    }

    #[test]
    fn an_unknown_gets_the_declared_type() {
        let typed = |ty| V::Unknown(Unknown { ty, not_null: false, prefix: String::new() });
        assert_eq!(convert(V::unknown(), &constraint("list(string)")), typed(Type::List(Box::new(Type::String))));
        assert_eq!(convert(V::unknown(), &constraint("any")), V::unknown());
        assert_eq!(convert(typed(Type::String), &constraint("list(any)")), typed(Type::String));
    }
}
