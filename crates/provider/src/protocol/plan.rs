//! What Terraform would do with a resource, as far as its schema says.
//!
//! A plan must be repeatable: nothing here depends on time, and nothing is asked of the server.

use super::diagnostics::{At, path_of};
use super::messages::AttributePath;
use super::schema::{Attribute, Block, Mode};
use super::value::{Map, Value};

/// A planned change of a resource that exists or shall exist.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// What it shall be; unknown where only the server will say.
    pub state: Map,
    /// The attributes for whose change a new thing must be made.
    pub replaces: Vec<AttributePath>,
}

/// Plans from what is there (`None` for nothing), what the configuration says, and the schema.
pub fn plan(block: &Block, prior: Option<&Map>, config: &Map) -> Planned {
    let replaces: Vec<_> = match prior {
        None => Vec::new(),
        Some(prior) => {
            let changes = |attribute: &&Attribute| attribute.replaces && is_changed(attribute, prior, config);
            block.attributes.iter().filter(changes).map(|attribute| path_of(&[At::Name(attribute.name)])).collect()
        }
    };
    let state = fill(block, prior, config, true);
    // An update leaves open what the server may say anew, but only when there is anything to update.
    let changed = prior.is_some_and(|prior| *prior != state);
    let state = if changed { reopened(block, state, config) } else { state };
    Planned { state, replaces }
}

/// Leaves open every attribute that the server may say anew, unless the configuration says it.
fn reopened(block: &Block, mut state: Map, config: &Map) -> Map {
    let is_said = |name: &str| config.get(name).is_some_and(|said| !said.is_null());
    for attribute in block.attributes.iter().filter(|attribute| attribute.fresh && !is_said(attribute.name)) {
        state.insert(attribute.name.to_owned(), Value::UNKNOWN);
    }
    state
}

fn is_changed(attribute: &Attribute, prior: &Map, config: &Map) -> bool {
    // A secret that an import could not read is only written down.
    if attribute.sensitive && prior[attribute.name].is_null() {
        return false;
    }
    let (before, after) = (&prior[attribute.name], config.get(attribute.name).unwrap_or(&Value::Null));
    let after = if after.is_null() { &attribute.default } else { after };
    let left_to_server = after.is_null() && matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed);
    !left_to_server && before != after
}

fn fill(block: &Block, prior: Option<&Map>, config: &Map, outermost: bool) -> Map {
    let mut state = Map::new();
    for attribute in &block.attributes {
        let said = config.get(attribute.name).cloned().unwrap_or_default();
        let value = if attribute.write_only {
            Value::Null
        } else if !said.is_null() || matches!(attribute.mode, Mode::Required | Mode::Optional) {
            said
        } else if !attribute.default.is_null() {
            attribute.default.clone()
        } else if let Some(prior) = prior {
            prior.get(attribute.name).cloned().unwrap_or_default()
        } else if outermost {
            Value::UNKNOWN
        } else {
            Value::Null
        };
        state.insert(attribute.name.to_owned(), value);
    }
    for (name, _, inner) in &block.blocks {
        let before = prior.and_then(|prior| prior.get(*name));
        let filled = |index: usize, value: &Value| match value {
            Value::Map(map) => {
                let before = match before {
                    Some(Value::List(list)) => list.get(index).and_then(Value::as_map),
                    Some(Value::Map(map)) => Some(map),
                    _ => None,
                };
                Value::Map(fill(inner, before, map, false))
            }
            value => value.clone(),
        };
        let value = match config.get(*name) {
            Some(Value::List(list)) => {
                Value::List(list.iter().enumerate().map(|(at, value)| filled(at, value)).collect())
            }
            Some(value) => filled(0, value),
            None => Value::Null,
        };
        state.insert((*name).to_owned(), value);
    }
    state
}

#[cfg(test)]
mod tests {
    use super::super::schema::{Nesting, flag, id, text};
    use super::*;

    fn block() -> Block {
        let inner = Block::of([flag("retry", "").or(true)]);
        Block::of([id().fresh(), text("place", "").required().replaces(), text("note", "")]).and(
            "apply",
            Nesting::List(1),
            inner,
        )
    }

    fn config(place: &str) -> Map {
        let mut config = block().nothing();
        config.insert("place".into(), place.into());
        config.insert("apply".into(), Value::List(vec![Value::Map(Map::from([("retry".into(), Value::Null)]))]));
        config
    }

    #[test]
    fn a_new_thing_has_defaults_and_leaves_open_what_the_server_says() {
        let planned = plan(&block(), None, &config("here"));
        assert!(planned.state["id"].is_unknown());
        assert_eq!(planned.state["apply"], Value::List(vec![Value::Map(Map::from([("retry".into(), true.into())]))]));
    }

    #[test]
    fn nothing_to_do_is_planned_as_nothing_to_do() {
        let mut prior = plan(&block(), None, &config("here")).state;
        prior.insert("id".into(), "x".into());
        let planned = plan(&block(), Some(&prior), &config("here"));
        assert_eq!(planned, Planned { state: prior, replaces: Vec::new() });
    }

    #[test]
    fn a_change_of_a_fixed_attribute_asks_for_a_new_thing() {
        let mut prior = plan(&block(), None, &config("here")).state;
        prior.insert("id".into(), "x".into());
        let planned = plan(&block(), Some(&prior), &config("there"));
        assert_eq!(planned.replaces, [path_of(&[At::Name("place")])]);
        assert!(planned.state["id"].is_unknown());
    }
}
