//! Archives that nobody should send: each is refused as a whole, and nothing is written.

use std::path::Path;

use configuration::{Contents, Limits, check, unpack};

use crate::tar::{FILE, FOLDER, LINK, gzip, tar};

/// Every path under a folder, for comparing before and after.
fn everything(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut queue = vec![dir.to_owned()];
    while let Some(folder) = queue.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.is_symlink() {
                queue.push(path.clone());
            }
            found.push(path.display().to_string());
        }
    }
    found.sort();
    found
}

fn refused(name: &str, archive: &[u8], code: &str) {
    refused_by(name, archive, code, &Limits::default());
}

fn refused_by(name: &str, archive: &[u8], code: &str, limits: &Limits) {
    let problem = check(archive, limits).expect_err(name);
    assert_eq!(problem.code, format!("configuration/{code}"), "{name}: {problem}");
    assert!(!problem.advice.is_empty(), "{name}");
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join("into")).expect("a folder");
    std::fs::write(dir.path().join("outside"), "untouched").expect("a file");
    let before = everything(dir.path());
    assert_eq!(unpack(archive, &dir.path().join("into"), limits).expect_err(name), problem, "{name}");
    assert_eq!(everything(dir.path()), before, "{name}");
    assert_eq!(std::fs::read(dir.path().join("outside")).expect("a file"), b"untouched", "{name}");
}

#[test]
fn paths_that_lead_elsewhere_are_refused() {
    for path in [
        "../x",
        "a/../../x",
        "a/../x",
        "/abs",
        "//abs",
        "./../x",
        "..",
        "a/..",
        "C:\\x",
        "c:x",
        "C:/x",
        "..\\x",
        "a\\b",
        "a\nb",
        "a\u{7f}b",
    ] {
        refused(path, &tar().file("first", b"1").file(path, b"x").gzip(), "archive-unsafe");
        refused(path, &tar().folder(path).gzip(), "archive-unsafe");
        refused(path, &tar().link(path, "first").gzip(), "archive-unsafe");
        refused(path, &tar().long(b'L', path.as_bytes()).file("innocent", b"x").gzip(), "archive-unsafe");
        if !path.contains('\n') {
            refused(path, &tar().pax("path", path.as_bytes()).file("innocent", b"x").gzip(), "archive-unsafe");
        }
    }
    refused("NUL", &tar().pax("path", b"a\0b").file("innocent", b"x").gzip(), "archive-unsafe");
    refused("not UTF-8", &tar().header(b"a\xff", FILE, 0, b"", 0o644).gzip(), "archive-unsafe");
    refused("no name", &tar().file("", b"x").gzip(), "archive-unsafe");
    refused("the top as a file", &tar().file(".", b"x").gzip(), "archive-unsafe");
    refused("the top as a link", &tar().link("./", "a").gzip(), "archive-unsafe");
    refused("a file with a slash", &tar().file("a/", b"x").gzip(), "archive-unsafe");
}

#[test]
fn names_that_are_too_long_or_too_deep_are_refused() {
    let long = |length: usize| tar().long(b'L', "n".repeat(length).as_bytes()).file("x", b"").gzip();
    assert!(check(&long(255), &Limits::default()).is_ok());
    refused("256 bytes", &long(256), "archive-unsafe");
    refused("4 KB", &long(4096), "archive-unsafe");
    refused("1 MB", &long(1024 * 1024), "archive-damaged");
    let deep = |depth: usize| tar().long(b'L', vec!["d"; depth].join("/").as_bytes()).file("x", b"").gzip();
    assert!(check(&deep(64), &Limits::default()).is_ok());
    refused("65 deep", &deep(65), "archive-unsafe");
    let whole = ["n".repeat(200).as_str(); 6].join("/");
    refused("1.2 KB path", &tar().long(b'L', whole.as_bytes()).file("x", b"").gzip(), "archive-unsafe");
    let target = tar().long(b'K', "t/".repeat(2000).as_bytes()).link("l", "x");
    refused("4 KB link", &target.gzip(), "archive-unsafe");
}

#[test]
fn links_that_lead_out_are_refused() {
    for target in ["../x", "/etc/passwd", "/", "a/../../x", "..", "./..", "a\\b", "C:x", ""] {
        refused(target, &tar().folder("a").link("l", target).gzip(), "archive-unsafe");
    }
    refused("long link", &tar().long(b'K', b"../x").link("l", "fine").gzip(), "archive-unsafe");
    refused("pax link", &tar().pax("linkpath", b"/etc/passwd").link("l", "fine").gzip(), "archive-unsafe");
    refused("deep", &tar().link("a/b/l", "../../../x").gzip(), "archive-unsafe");
}

#[test]
fn links_that_lead_out_through_other_links_are_refused() {
    // By its text `p/q/r/../x` stays inside, but r is the top.
    let chain = tar().folder("p/q").link("p/q/r", "../..").link("l", "p/q/r/../x");
    refused("chain", &chain.gzip(), "archive-unsafe");
    let reversed = tar().link("l", "p/q/r/../x").folder("p/q").link("p/q/r", "../..");
    refused("chain, other order", &reversed.gzip(), "archive-unsafe");
    let three = tar().link("a", "b").link("b", "d/c").folder("d").link("d/c", "../../x");
    refused("three", &three.gzip(), "archive-unsafe");
    refused("itself", &tar().link("a", "a").gzip(), "archive-unsafe");
    refused("circle", &tar().link("a", "b").link("b", "a/x").gzip(), "archive-unsafe");
    let mut long = tar();
    for step in 0..60 {
        long = long.link(&format!("l{step}"), &format!("l{}", step + 1));
    }
    refused("60 steps", &long.gzip(), "archive-unsafe");
}

#[test]
fn writing_through_a_link_or_a_file_is_refused() {
    refused("through a link", &tar().folder("d").link("l", "d").file("l/x", b"x").gzip(), "archive-unsafe");
    refused("through a later link", &tar().folder("d").file("l/x", b"x").link("l", "d").gzip(), "archive-unsafe");
    refused("link over a file", &tar().file("a", b"x").link("a", "b").gzip(), "archive-unsafe");
    refused("file over a link", &tar().link("a", "b").file("a", b"x").gzip(), "archive-unsafe");
    refused("folder over a link", &tar().folder("b").link("a", "b").folder("a").gzip(), "archive-unsafe");
    refused("inside a file", &tar().file("a", b"x").file("a/b", b"x").gzip(), "archive-unsafe");
    refused("file over a folder", &tar().file("a/b", b"x").file("a", b"x").gzip(), "archive-unsafe");
    refused("folder over a file", &tar().file("a", b"x").folder("a").gzip(), "archive-unsafe");
    refused("twice", &tar().file("a", b"x").file("a", b"y").gzip(), "archive-unsafe");
    refused("twice, written otherwise", &tar().file("a/b", b"x").file("./a//b", b"y").gzip(), "archive-unsafe");
}

#[test]
fn hard_links_lead_to_a_file_before_them_or_are_refused() {
    refused("out", &tar().hard_link("l", "../x").gzip(), "archive-unsafe");
    refused("absolute", &tar().hard_link("l", "/etc/passwd").gzip(), "archive-unsafe");
    refused("missing", &tar().hard_link("l", "x").gzip(), "archive-unsafe");
    refused("later", &tar().hard_link("l", "x").file("x", b"").gzip(), "archive-unsafe");
    refused("itself", &tar().hard_link("l", "l").gzip(), "archive-unsafe");
    refused("a folder", &tar().folder("x").hard_link("l", "x").gzip(), "archive-unsafe");
    refused("a link", &tar().link("x", "y").hard_link("l", "x").gzip(), "archive-unsafe");
    refused(
        "through a link",
        &tar().folder("d").file("d/f", b"").link("l", "d").hard_link("h", "l/f").gzip(),
        "archive-unsafe",
    );
    refused("no target", &tar().hard_link("l", "").gzip(), "archive-unsafe");
}

#[test]
fn what_is_no_file_folder_or_link_is_refused() {
    for (name, kind) in
        [("char", b'3'), ("block", b'4'), ("fifo", b'6'), ("sparse", b'S'), ("socket", b's'), ("volume", b'V')]
    {
        refused(name, &tar().header(b"x", kind, 0, b"", 0o644).gzip(), "archive-unsafe");
    }
    refused("pax sparse", &tar().pax("GNU.sparse.major", b"1").file("x", b"").gzip(), "archive-unsafe");
    refused("folder with data", &tar().header(b"d", FOLDER, 5, b"", 0o755).data(b"12345").gzip(), "archive-damaged");
    refused("link with data", &tar().header(b"l", LINK, 5, b"x", 0o755).data(b"12345").gzip(), "archive-damaged");
}

#[test]
fn archives_over_a_limit_are_refused() {
    let zeros = gzip(&tar().file("zeros", &vec![0; 8 * 1024 * 1024]).0);
    refused("bomb", &zeros, "archive-too-large");
    let small = Limits { bytes: 4096, ..Limits::default() };
    refused_by("bytes", &tar().file("x", &[1; 5000]).gzip(), "archive-too-large", &small);
    refused_by(
        "copies",
        &tar().file("x", &[1; 1500]).hard_link("a", "x").hard_link("b", "x").gzip(),
        "archive-too-large",
        &small,
    );
    let few = Limits { entries: 3, ..Limits::default() };
    let many = (0..4).fold(tar(), |tar, index| tar.file(&format!("f{index}"), b""));
    refused_by("entries", &many.gzip(), "archive-too-large", &few);
    let records = (0..4).fold(tar(), |tar, _| tar.pax("comment", b"x"));
    refused_by("records", &records.gzip(), "archive-too-large", &few);
    let empty_files = (0..50_001).fold(tar(), |tar, index| tar.file(&format!("f{index}"), b""));
    refused("50,001 files", &empty_files.gzip(), "archive-too-large");
}

#[test]
fn damaged_archives_are_refused() {
    let good = tar().file("a", &[7; 3000]).file("b", b"b");
    let whole = good.clone().gzip();
    for length in [3, 10, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        refused("truncated gzip", &whole[..length], "archive-damaged");
    }
    let mut flipped = whole.clone();
    let middle = flipped.len() - 6;
    flipped[middle] ^= 1;
    refused("wrong checksum of the whole", &flipped, "archive-damaged");
    refused("truncated tar", &gzip(&good.0[..1000]), "archive-damaged");
    refused("half a header", &gzip(&good.0[..300]), "archive-damaged");
    refused("junk after gzip", &[whole.as_slice(), b"junk"].concat(), "archive-damaged");
    refused("two archives", &[whole.as_slice(), &whole].concat(), "archive-damaged");
    refused("junk after the end mark", &gzip(&[good.0.as_slice(), &[0; 1024], b"junk"].concat()), "archive-damaged");
    refused(
        "hidden second archive",
        &gzip(&[good.0.as_slice(), &[0; 1024], &tar().file("../x", b"").0].concat()),
        "archive-damaged",
    );
    refused("gzip in gzip", &gzip(&whole), "archive-damaged");
    refused("text", &gzip(&[b'x'; 2000]), "archive-damaged");
    let mut wrong_sum = good.0.clone();
    wrong_sum[0] = b'z';
    refused("header checksum", &gzip(&wrong_sum), "archive-damaged");
    refused("lying size", &gzip(&tar().header(b"a", FILE, 1_000_000, b"", 0o644).data(b"short").0), "archive-damaged");
    refused("two sizes", &tar().pax("size", b"1000000").file("a", b"short").gzip(), "archive-damaged");
    refused("no size", &tar().pax("size", b"many").file("a", b"short").gzip(), "archive-damaged");
    refused(
        "broken pax",
        &tar().header(b"pax", b'x', 9, b"", 0o644).data(b"999 path=").file("a", b"").gzip(),
        "archive-damaged",
    );
    let huge = tar().header(b"a", FILE, 0o77_777_777_777, b"", 0o644);
    refused("8 GB that are not there", &huge.gzip(), "archive-too-large");
}

#[test]
fn other_formats_are_named() {
    for (magic, name) in [
        (&b"\x28\xb5\x2f\xfd rest"[..], "zstd"),
        (b"PK\x03\x04 rest", "zip"),
        (b"\xfd7zXZ\0 rest", "xz"),
        (b"BZh9 rest", "bzip2"),
        (b"{\"data\": 1}", "JSON"),
        (b"", "empty"),
        (b"hello", "not compressed with gzip"),
    ] {
        refused(name, magic, "archive-format");
        let problem = check(magic, &Limits::default()).expect_err(name);
        assert!(problem.message.contains(name), "{problem}");
    }
    let plain = tar().file("a", b"").0;
    assert!(check(&plain, &Limits::default()).expect_err("plain").message.contains("not compressed"));
}

#[test]
fn an_ordinary_archive_is_unpacked_without_its_special_bits() {
    use std::os::unix::fs::PermissionsExt;
    let archive = tar()
        .header(b"pax_global_header", b'g', 30, b"", 0o644)
        .data(b"30 comment=0123456789abcdefgh\n")
        .folder("./")
        .folder("./a/")
        .folder("./a/")
        .header(b"./a/setuid.sh", FILE, 2, b"", 0o6755)
        .data(b"hi")
        .header(b"read-only", FILE, 1, b"", 0o400)
        .data(b"r")
        .file("without/its/folder.tf", b"x")
        .header(b"old-folder/", 0, 0, b"", 0o755)
        .link("a/up", "../without")
        .link("dangling", "nowhere/at/../all")
        .link("here", ".")
        .hard_link("copy.sh", "a/setuid.sh")
        .file("case", b"1")
        .file("CASE", b"2")
        .gzip();
    let contents = check(&archive, &Limits::default()).expect("a good archive");
    assert_eq!(contents, Contents { files: 9, bytes: 8 });
    let dir = tempfile::tempdir().expect("a folder");
    let into = dir.path().join("not/there/yet");
    unpack(&archive, &into, &Limits::default()).expect("unpacked");
    let mode = |path: &str| std::fs::metadata(into.join(path)).expect("metadata").permissions().mode() & 0o7777;
    assert_eq!((mode("a/setuid.sh"), mode("copy.sh"), mode("read-only")), (0o755, 0o755, 0o600));
    assert!(into.join("old-folder").is_dir());
    assert_eq!(std::fs::read(into.join("a/up/its/folder.tf")).expect("through the link"), b"x");
    std::fs::write(into.join("copy.sh"), "changed").expect("a file");
    assert_eq!(std::fs::read(into.join("a/setuid.sh")).expect("a file"), b"hi");
    let again = unpack(&archive, &into, &Limits::default()).expect_err("not empty");
    assert_eq!(again.code, "configuration/not-empty");
}

#[test]
fn an_archive_without_an_end_mark_or_without_entries_is_accepted() {
    assert!(check(&gzip(&tar().file("a", b"x").0), &Limits::default()).is_ok());
    assert_eq!(check(&tar().gzip(), &Limits::default()), Ok(Contents::default()));
    assert_eq!(check(&gzip(b""), &Limits::default()), Ok(Contents::default()));
}

/// Numbers that look random and are the same every time (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("a small number")
    }
}

#[test]
fn whatever_is_in_an_archive_nothing_is_written_outside() {
    const NAMES: &[&str] =
        &["a", "b", "a/b", "a/b/c", "./a", "..", "../x", "a/..", "a/../../x", "/tmp/x", ".", "a//b", "c/", "b/a"];
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("x"), "untouched").expect("a file");
    let into = dir.path().join("in/to");
    let mut accepted = 0;
    for round in 0..3000 {
        let mut archive = tar();
        for _ in 0..1 + numbers.below(6) {
            let name = NAMES[numbers.below(NAMES.len())];
            let target = NAMES[numbers.below(NAMES.len())];
            archive = match numbers.below(6) {
                0 => archive.folder(name),
                1 | 2 => archive.file(name, b"x"),
                3 | 4 => archive.link(name, target),
                _ => archive.hard_link(name, target),
            };
        }
        let mut bytes = archive.gzip();
        if round % 4 == 0 {
            let at = numbers.below(bytes.len());
            bytes[at] ^= 1 << numbers.below(8);
        }
        let checked = check(&bytes, &Limits::default());
        let unpacked = unpack(&bytes, &into, &Limits::default());
        assert_eq!(checked.is_ok(), unpacked.is_ok(), "{checked:?} {unpacked:?}");
        accepted += usize::from(unpacked.is_ok());
        let links = everything(&into).into_iter().filter(|path| Path::new(path).is_symlink());
        for link in links {
            // A link that leads to something leads to something inside.
            if let Ok(leads_to) = std::fs::canonicalize(&link) {
                assert!(leads_to.starts_with(into.canonicalize().expect("a path")), "{link}");
            }
        }
        let _ = std::fs::remove_dir_all(dir.path().join("in"));
        assert_eq!(everything(dir.path()), [dir.path().join("x").display().to_string()]);
        assert_eq!(std::fs::read(dir.path().join("x")).expect("a file"), b"untouched");
    }
    assert!(accepted > 100, "the rounds are worth something: {accepted} were accepted");
}
