//! Addresses of git hosts and repositories, names of branches, and what may be reached.

#![no_main]

use domain::reach::Allowed;
use domain::vcs::{Base, branch, identifier, submodule};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(base) = Base::parse(&text) {
        let _ = submodule(&base, &format!("{}/a/b.git", base.url()), "../c.git");
    }
    if let Ok(host) = Base::parse("https://git.example/base") {
        let found = submodule(&host, "https://git.example/base/a/b.git", &text);
        assert!(found.is_none_or(|url| url.starts_with("https://git.example/")));
    }
    let _ = (identifier(&text).is_ok(), branch(&text).is_ok(), text.parse::<Allowed>().is_ok());
});
