//! The forms in which a secret may come out of terraform.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::variables::quoted;

/// What no encoder of URLs touches.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What is touched in the path of a URL, by those that touch least.
const PATH: AsciiSet = UNRESERVED
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@')
    .remove(b'/');

/// How often JSON is put into JSON: by a program into its output, into a text of that, and by terraform into its log.
const NESTED: usize = 3;

/// Every form of a value.
pub(super) fn of(value: &str) -> Vec<Vec<u8>> {
    let mut texts: BTreeSet<String> = BTreeSet::from([value.to_owned(), value.trim().to_owned()]);
    // A text of several lines is shown line by line, with an indent or a bar before each.
    texts.extend(value.lines().map(|line| line.trim().to_owned()));
    let mut forms: BTreeSet<Vec<u8>> = BTreeSet::new();
    for text in &texts {
        let mut layer = BTreeSet::from([text.clone(), hcl(text)]);
        for _ in 0..NESTED {
            let next = layer.iter().map(|text| json(text)).flat_map(|json| [go_json(&json), ascii(&json), json]);
            let next = next.collect();
            forms.extend(std::mem::replace(&mut layer, next).into_iter().map(String::into_bytes));
        }
        forms.extend(layer.into_iter().map(String::into_bytes));
    }
    let (all, path) = (percent(value, &UNRESERVED), percent(value, &PATH));
    let of_go = [go_json(&path), go_json(&lower(&path))];
    forms.extend([lower(&all), lower(&path), all.replace("%20", "+"), all, path].map(String::into_bytes));
    forms.extend(of_go.map(String::into_bytes));
    for shift in 0..3 {
        forms.insert(base64(value.as_bytes(), shift, |bytes| STANDARD_NO_PAD.encode(bytes)));
        forms.insert(base64(value.as_bytes(), shift, |bytes| URL_SAFE_NO_PAD.encode(bytes)));
    }
    forms.into_iter().collect()
}

/// What stands in quotes in an HCL expression.
pub(super) fn texts_of_hcl(expression: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = expression;
    while let Some(begin) = rest.find('"') {
        let text = &rest[begin + 1..];
        let is_end = |(at, _): &(usize, &str)| {
            let before = text[..*at].bytes().rev().take_while(|&byte| byte == b'\\').count();
            before % 2 == 0
        };
        let Some((end, _)) = text.match_indices('"').find(is_end) else { break };
        let written = &text[..end];
        texts.push(written.to_owned());
        texts.extend(serde_json::from_str::<String>(&format!("\"{written}\"")));
        rest = &text[end + 1..];
    }
    texts
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::String(text.to_owned()).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Go escapes for pages of HTML too.
fn go_json(escaped: &str) -> String {
    escaped.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// As Python escapes: nothing but ASCII.
fn ascii(escaped: &str) -> String {
    let mut out = String::with_capacity(escaped.len());
    for c in escaped.chars() {
        match c.is_ascii() {
            true => out.push(c),
            false => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    out
}

fn hcl(text: &str) -> String {
    let quoted = quoted(text);
    quoted[1..quoted.len() - 1].to_owned()
}

fn percent(text: &str, set: &'static AsciiSet) -> String {
    utf8_percent_encode(text, set).to_string()
}

/// The same with small hexadecimal digits, and nothing else small.
fn lower(encoded: &str) -> String {
    let mut out = String::with_capacity(encoded.len());
    let mut digits = 0;
    for c in encoded.chars() {
        out.push(if digits > 0 { c.to_ascii_lowercase() } else { c });
        digits = if c == '%' { 2_usize } else { digits.saturating_sub(1) };
    }
    out
}

/// What base64 makes of the bytes when `shift` others are before them: the characters that say nothing of what is before and behind.
fn base64(bytes: &[u8], shift: usize, encode: impl Fn(&[u8]) -> String) -> Vec<u8> {
    let mut before = vec![0; shift];
    before.extend_from_slice(bytes);
    let encoded = encode(&before).into_bytes();
    let begin = (shift * 8).div_ceil(6);
    let end = before.len() * 8 / 6;
    encoded.get(begin..end).unwrap_or_default().to_vec()
}
