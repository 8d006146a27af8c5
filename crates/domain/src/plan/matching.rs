//! Whether a value is one that was approved: where the approved one is known after apply it may be anything of its type.

use std::collections::BTreeMap;

use crate::planned::{PlannedValue, Type};

/// The paths at which `real` is not what `approved` allows, each once; an empty path is the value itself.
pub(super) fn mismatches(approved: &PlannedValue, real: &PlannedValue) -> Vec<String> {
    let mut paths = Vec::new();
    compare(approved, real, "", &mut paths);
    paths
}

fn compare(approved: &PlannedValue, real: &PlannedValue, path: &str, paths: &mut Vec<String>) {
    use PlannedValue as V;
    match (approved, real) {
        (V::Unknown(unknown), real) => {
            let null = unknown.not_null && *real == V::Null;
            let prefix = matches!(real, V::Text(text) if !text.starts_with(&unknown.prefix));
            if null || prefix || !is_of(real, &unknown.ty) {
                paths.push(path.to_owned());
            }
        }
        (V::List(approved) | V::Set(approved) | V::Tuple(approved), V::List(real) | V::Set(real) | V::Tuple(real)) => {
            items(approved, real, path, paths)
        }
        (V::Map(approved) | V::Object(approved), V::Map(real) | V::Object(real)) => {
            entries(approved, real, path, paths);
        }
        (V::Number(approved), V::Number(real)) if same_number(approved, real) => {}
        (approved, real) if approved == real => {}
        _ => paths.push(path.to_owned()),
    }
}

fn entries(
    approved: &BTreeMap<String, PlannedValue>,
    real: &BTreeMap<String, PlannedValue>,
    path: &str,
    paths: &mut Vec<String>,
) {
    // An attribute that is absent and one that is null are the same to a plan.
    for (key, approved) in approved {
        compare(approved, real.get(key).unwrap_or(&PlannedValue::Null), &below(path, key), paths);
    }
    for (key, real) in real {
        if !approved.contains_key(key) && *real != PlannedValue::Null {
            paths.push(below(path, key));
        }
    }
}

/// Terraform's JSON has sets as lists, in an order that hangs on their values: elements that were partly unknown may stand
/// elsewhere once they are known.
fn items(approved: &[PlannedValue], real: &[PlannedValue], path: &str, paths: &mut Vec<String>) {
    if approved.len() == real.len() {
        let mut found = Vec::new();
        for (at, (approved, real)) in approved.iter().zip(real).enumerate() {
            compare(approved, real, &format!("{path}[{at}]"), &mut found);
        }
        let has_moved = || approved.iter().any(PlannedValue::has_unknown) && is_rearranged(approved, real);
        if !found.is_empty() && !has_moved() {
            paths.append(&mut found);
        }
    } else {
        paths.push(path.to_owned());
    }
}

/// Whether each element of one list has one of its own in the other. Those without an unknown part choose first.
fn is_rearranged(approved: &[PlannedValue], real: &[PlannedValue]) -> bool {
    let mut left: Vec<&PlannedValue> = real.iter().collect();
    let mut ordered: Vec<&PlannedValue> = approved.iter().collect();
    ordered.sort_by_key(|item| (matches!(item, PlannedValue::Unknown(_)), item.has_unknown()));
    ordered.into_iter().all(|approved| {
        let at = left.iter().position(|real| mismatches(approved, real).is_empty());
        at.map(|at| left.swap_remove(at)).is_some()
    })
}

/// Whether a value can be of a type. JSON tells a list from an object and no more, so collections are compared loosely.
fn is_of(value: &PlannedValue, ty: &Type) -> bool {
    use PlannedValue as V;
    match (value, ty) {
        (V::Null, _) | (_, Type::Dynamic) => true,
        (V::Unknown(unknown), ty) => unknown.ty == Type::Dynamic || unknown.ty == *ty,
        (V::Bool(_), Type::Bool) | (V::Number(_), Type::Number) | (V::Text(_), Type::String) => true,
        (V::List(items) | V::Set(items) | V::Tuple(items), Type::List(ty) | Type::Set(ty)) => {
            items.iter().all(|item| is_of(item, ty))
        }
        (V::List(items) | V::Set(items) | V::Tuple(items), Type::Tuple(types)) => {
            items.len() == types.len() && items.iter().zip(types).all(|(item, ty)| is_of(item, ty))
        }
        (V::Map(entries) | V::Object(entries), Type::Map(ty)) => entries.values().all(|entry| is_of(entry, ty)),
        (V::Map(entries) | V::Object(entries), Type::Object(types)) => {
            entries.iter().all(|(key, entry)| types.get(key).is_some_and(|ty| is_of(entry, ty)))
        }
        _ => false,
    }
}

/// `1`, `1.0` and `1e0` are one number.
fn same_number(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let plain = |text: &str| !text.contains(['e', 'E', '.']);
    // Whole numbers are compared as written: a float would make two large ones equal.
    !(plain(one) && plain(other))
        && matches!((one.parse::<f64>(), other.parse::<f64>()), (Ok(one), Ok(other)) if one == other)
}

/// The path of an entry.
pub fn below(path: &str, key: &str) -> String {
    let is_word = !key.is_empty() && key.chars().all(|it| it.is_alphanumeric() || it == '_' || it == '-');
    match (path.is_empty(), is_word) {
        (true, true) => key.to_owned(),
        (false, true) => format!("{path}.{key}"),
        (_, false) => format!("{path}[{key:?}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::drawn::value;
    use super::*;
    use crate::planned::Unknown;

    fn list(items: &[&str]) -> PlannedValue {
        PlannedValue::List(items.iter().map(|item| value(item)).collect())
    }

    fn object(entries: &[(&str, PlannedValue)]) -> PlannedValue {
        PlannedValue::Object(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    fn typed(ty: Type) -> PlannedValue {
        PlannedValue::Unknown(Unknown { ty, not_null: true, prefix: String::new() })
    }

    #[test]
    fn what_was_unknown_may_become_anything_of_its_type() {
        assert!(mismatches(&value("?"), &object(&[("a", value("1"))])).is_empty());
        assert!(mismatches(&typed(Type::String), &value("x")).is_empty());
        assert_eq!(mismatches(&typed(Type::String), &value("1")), [""]);
        assert_eq!(mismatches(&typed(Type::String), &value("null")), [""]);
        let numbers = Type::List(Box::new(Type::Number));
        assert!(mismatches(&typed(numbers.clone()), &list(&["1", "2"])).is_empty());
        assert_eq!(mismatches(&typed(numbers), &list(&["1", "x"])), [""]);
    }

    #[test]
    fn what_was_known_must_stay_and_the_place_is_named() {
        let approved = object(&[("tags", object(&[("a b", value("1")), ("c", value("?"))])), ("n", list(&["1", "2"]))]);
        let real = object(&[("tags", object(&[("a b", value("2")), ("c", value("x"))])), ("n", list(&["1", "3"]))]);
        assert_eq!(mismatches(&approved, &real), ["n[1]", "tags[\"a b\"]"]);
    }

    #[test]
    fn what_was_known_must_not_become_unknown() {
        assert_eq!(mismatches(&value("1"), &value("?")), [""]);
    }

    #[test]
    fn an_attribute_that_is_new_is_a_difference_unless_it_is_null() {
        let approved = object(&[("a", value("1"))]);
        assert!(mismatches(&approved, &object(&[("a", value("1")), ("b", value("null"))])).is_empty());
        assert_eq!(mismatches(&approved, &object(&[("a", value("1")), ("b", value("2"))])), ["b"]);
        assert_eq!(mismatches(&approved, &object(&[])), ["a"]);
    }

    #[test]
    fn elements_that_were_partly_unknown_may_stand_elsewhere() {
        assert!(mismatches(&list(&["?", "b", "c"]), &list(&["b", "c", "a"])).is_empty());
        assert_eq!(mismatches(&list(&["b", "c"]), &list(&["c", "b"])), ["[0]", "[1]"]);
        assert_eq!(mismatches(&list(&["?", "b"]), &list(&["c", "d"])), ["[1]"]);
        assert_eq!(mismatches(&list(&["?"]), &list(&["c", "d"])), [""]);
    }

    #[test]
    fn numbers_are_compared_as_numbers_and_large_ones_exactly() {
        let number = |text: &str| PlannedValue::Number(text.to_owned());
        assert!(mismatches(&number("1.50"), &number("1.5")).is_empty());
        assert_eq!(mismatches(&number("9007199254740993"), &number("9007199254740992")), [""]);
    }
}
