use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;

use super::*;

const SECRET: &str = "s3cr\"et/<&>+ ü";

fn of(values: &[&str]) -> Secrets {
    Secrets::new(values.iter().map(|value| (*value).to_owned()).collect())
}

fn in_pieces(secrets: &Secrets, text: &[u8], ends: &[usize]) -> Vec<u8> {
    let (mut out, mut stream, mut begin) = (Vec::new(), secrets.stream(), 0);
    for &end in ends.iter().chain([&text.len()]) {
        let end = end.clamp(begin, text.len());
        stream.push(&text[begin..end], &mut out);
        begin = end;
    }
    stream.finish(&mut out);
    out
}

#[test]
fn a_secret_is_found_in_every_form_that_programs_give_it() {
    let secrets = of(&[SECRET]);
    let json = serde_json::to_string(SECRET).unwrap();
    let of_go = |json: &str| json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let again = |text: &str| serde_json::to_string(text).unwrap();
    let (go, python) = (of_go(&json), json.replace('ü', "\\u00fc"));
    for form in [
        SECRET.to_owned(),
        json.clone(),
        go.clone(),
        again(&json),
        again(&go),
        of_go(&again(&json)),
        of_go(&again(&again(&json))),
        python.clone(),
        of_go(&again(&python)),
        of_go(&again("http://h/s3cr%22et/%3C&%3E+%20%C3%BC")),
        "a%20s3cr%22et%2F%3C%26%3E%2B%20%C3%BC".to_owned(),
        "s3cr%22et%2f%3c%26%3e%2b%20%c3%bc".to_owned(),
        "s3cr%22et%2F%3C%26%3E%2B+%C3%BC".to_owned(),
    ] {
        let shown = secrets.text(&form);
        assert!(shown.contains(HIDDEN) && !shown.contains("s3cr"), "{form}: {shown}");
    }
    for before in ["", "u", "us", "use", "user:"] {
        for engine in [&STANDARD, &URL_SAFE] {
            let encoded = engine.encode(format!("{before}{SECRET} and more"));
            let shown = secrets.text(&encoded);
            assert!(shown.contains(HIDDEN), "{encoded}");
            assert!(encoded.len() + HIDDEN.len() - shown.len() >= SECRET.len() * 8 / 6 - 2, "{encoded}: {shown}");
        }
    }
}

#[test]
fn a_secret_of_several_lines_is_found_line_by_line() {
    let secrets = of(&["-----BEGIN KEY-----\nc29tZXRoaW5n\n-----END KEY-----\n"]);
    let shown = secrets.text("  │ -----BEGIN KEY-----\n  │ c29tZXRoaW5n\n  │ -----END KEY-----\n");
    assert_eq!(shown, format!("  │ {HIDDEN}\n  │ {HIDDEN}\n  │ {HIDDEN}\n"));
}

#[test]
fn what_is_short_or_known_to_nobody_passes() {
    let secrets = of(&["true", "12345"]);
    assert_eq!(secrets.text("true 12345"), "true 12345");
    assert_eq!(Secrets::default().text("anything"), "anything");
}

#[test]
fn a_document_stays_a_document() {
    let secrets = of(&["123456", "swordfish"]);
    let json = Bytes::from_static(br#"{"a":123456,"swordfish":["x swordfish y",1.50,null],"b":1234567890}"#);
    let shown = String::from_utf8(secrets.json(json).unwrap().to_vec()).unwrap();
    let read: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(read["a"], HIDDEN);
    assert_eq!(read[HIDDEN][0], format!("x {HIDDEN} y"));
    assert!(!shown.contains("123456") && !shown.contains("swordfish"), "{shown}");
    let untouched = Bytes::from_static(br#"{"n": 1.50}"#);
    assert_eq!(secrets.json(untouched.clone()).unwrap(), untouched);
}

#[test]
fn the_texts_of_an_expression_are_secrets_each() {
    let texts = forms::texts_of_hcl(r#"{ user = "somebody", key = "a\"b\nc", list = ["other one"] }"#);
    assert_eq!(texts, ["somebody", "somebody", r#"a\"b\nc"#, "a\"b\nc", "other one", "other one"]);
}

#[test]
fn what_cannot_become_a_secret_is_not_held_back() {
    let mut out = Vec::new();
    let secrets = of(&["swordfish"]);
    let mut stream = secrets.stream();
    stream.push(b"waiting\n", &mut out);
    assert_eq!(out, b"waiting\n");
    stream.push(b"a sword", &mut out);
    assert_eq!(out, b"waiting\na ");
    stream.push(b"smith\n", &mut out);
    assert_eq!(out, b"waiting\na swordsmith\n");
    stream.push(b"sword", &mut out);
    stream.finish(&mut out);
    assert_eq!(out, b"waiting\na swordsmith\nsword");
}

proptest! {
    #[test]
    fn no_cut_lets_a_secret_through(
        parts in prop::collection::vec(prop_oneof![
            Just("swordfish".to_owned()), Just("swordswordfish".to_owned()), Just("fishsword".to_owned()), "[a-s]{0,6}", Just("sword".to_owned()),
        ], 0..12),
        ends in prop::collection::vec(0usize..80, 0..20),
    ) {
        let secrets = of(&["swordfish", "fishsword", "swordswordf"]);
        let text = parts.concat();
        let mut ends = ends;
        ends.sort_unstable();
        let shown = in_pieces(&secrets, text.as_bytes(), &ends);
        prop_assert_eq!(String::from_utf8_lossy(&shown), secrets.text(&text), "{}", text);
        let shown = String::from_utf8(shown).unwrap();
        for secret in ["swordfish", "fishsword", "swordswordf"] {
            prop_assert!(!shown.contains(secret), "{} in {}", secret, shown);
        }
    }
}
