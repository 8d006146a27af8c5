//! Hostile bytes as states, plans and packed values.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;

use super::*;

const STATE: &[u8] = br#"{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l","outputs":{"a":{"value":[1,{"b":"c"}],"type":["tuple",["number",["object",{"b":"string"}]]],"sensitive":true},"d":{"value":1e3}},"resources":[]}"#;
const SHOWN: &[u8] = br#"{"format_version":"1.2","output_changes":{"a":{"actions":["update"],"before":1,"after":{"a":1,"l":["x",null]},"after_unknown":{"b":true,"l":[false,true]},"after_sensitive":true}},"planned_values":{"outputs":{"a":{"type":["set","string"],"value":["x"]}}},"prior_state":{"values":{"outputs":{"b":{"type":"bool","value":true}}}},"resource_changes":[{"address":"t.n[0]","mode":"managed","type":"t","name":"n","index":0,"provider_name":"p","change":{"actions":["delete","create"],"before":{"a":1},"after":{"a":2},"after_unknown":{"id":true},"before_sensitive":{"a":true},"after_sensitive":{},"replace_paths":[["a"]]}}]}"#;
/// `["dynamic-typed value"]` of two: a type in JSON, and a list with an unknown of refinements in it.
const PACKED: &[u8] = b"\x92\xc4\x11[\"list\",\"string\"]\x92\xa1a\xc7\x04\x0c\x82\x01\xc2\x02\xa1b";

/// A plan file with one output and one change of a resource.
fn plan_file(output: &[u8], state: &[u8]) -> Vec<u8> {
    // Version 3; `t.n` is made; the output `a` is made with this value.
    let value = [&[0x0a, u8::try_from(output.len()).unwrap_or(0)], output].concat();
    let change = [&[0x08, 1, 0x12, u8::try_from(value.len()).unwrap_or(0)], value.as_slice()].concat();
    let output = [&[0x0a, 1, b'a', 0x12, u8::try_from(change.len()).unwrap_or(0)], change.as_slice()].concat();
    let message = [
        b"\x08\x03\x1a\x09\x6a\x03t.n\x4a\x02\x08\x01".as_slice(),
        &[0x22, u8::try_from(output.len()).unwrap_or(0)],
        &output,
    ]
    .concat();
    zipped(&message, state)
}

fn zipped(plan: &[u8], state: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [("tfplan", plan), ("tfstate", state)] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn no_state_panics() {
    let seeds: &[&[u8]] = &[STATE, br#"{"outputs":{"a":{"value":null,"type":"dynamic"}}}"#];
    fuzz::survives("state-outputs", seeds, &|bytes| {
        drop(outputs_of_state(bytes));
        drop(value_of_json(&String::from_utf8_lossy(bytes)));
        let saved = crate::state::Saved::of(bytes);
        let _ = saved.has("module.m[\"a\"].t.n[0]", "id", "x");
        drop(crate::state::Base::new(None).accepts(bytes));
    });
}

#[test]
fn no_plan_that_is_shown_panics() {
    fuzz::survives("plan-json", &[SHOWN, STATE], &|bytes| {
        let outputs = outputs_of_shown_plan(bytes);
        drop(crate::read_plan(bytes, outputs.unwrap_or_default()));
    });
}

#[test]
fn no_plan_file_panics() {
    let file = plan_file(PACKED, STATE);
    assert!(outputs_of_plan(&file, b"").is_some(), "the seed is a plan file");
    let counted = counts(&file).map(|counts| counts.additions);
    assert_eq!(counted, Some(1), "the seed is a plan file");
    fuzz::survives("plan-file", &[&file], &|bytes| {
        drop(outputs_of_plan(bytes, SHOWN));
        let _ = counts(bytes);
        drop(backend(bytes));
    });
    // The same inside of the zip.
    let parts: &[&[u8]] = &[PACKED, b"\xc0", b"\x92\xc4\x09\"dynamic\"\x92\xc4\x06\"bool\"\xc3"];
    fuzz::survives("plan-value", parts, &|bytes| {
        drop(msgpack::decode(bytes));
        drop(outputs_of_plan(&zipped(bytes, STATE), b""));
        drop(outputs_of_plan(&plan_file(&bytes[..bytes.len().min(100)], STATE), b""));
    });
}
