//! The corpus: archives that nobody should send, each with what is to become of it.
//!
//! Sources of tricks: the F32 and F33 rows of the fault matrix, CVE-2020-29529, CVE-2025-0377 and the prefix check of go-slug,
//! CVE-2007-4131 (GNU tar), CVE-2018-1000001 ("zip slip"), CVE-2021-32803 and CVE-2021-37701 (node-tar: a folder replaced by a link,
//! backslashes, names that two systems fold into one).

use std::io::Write;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use crate::tar::{FILE, FOLDER, LINK, Tar, gzip, tar};

/// What is to become of an archive.
pub(crate) enum Fate {
    /// Refused as a whole, by this code after `configuration/`.
    Refused(&'static str),
    /// Harmless: these files and links are made, all inside.
    Inside(&'static [&'static str]),
}

/// An archive of the corpus.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) archive: Vec<u8>,
    pub(crate) fate: Fate,
    /// Whether whoever joins names and writes would do harm outside; the negative control must see each of these.
    pub(crate) escapes: bool,
}

const UNSAFE: Fate = Fate::Refused("archive-unsafe");
const DAMAGED: Fate = Fate::Refused("archive-damaged");
const FORMAT: Fate = Fate::Refused("archive-format");
const TOO_LARGE: Fate = Fate::Refused("archive-too-large");

/// Every archive. `aim` is an absolute folder outside of the one that is unpacked into, which lies three folders below the parent of
/// `aim`; `aim` holds a file `secret`.
pub(crate) fn cases(aim: &str) -> Vec<Case> {
    let mut cases = Cases(small_cases(aim));
    amplified(&mut cases);
    compression(&mut cases);
    cases.0
}

/// Those that are small, in what is sent and in what comes out of it.
pub(crate) fn small_cases(aim: &str) -> Vec<Case> {
    let mut cases = Cases(Vec::new());
    paths(&mut cases, aim);
    long_names(&mut cases, aim);
    odd_names(&mut cases);
    links(&mut cases, aim);
    hard_links(&mut cases, aim);
    kinds(&mut cases);
    clashes(&mut cases, aim);
    sizes(&mut cases);
    truncated(&mut cases);
    formats(&mut cases);
    contents(&mut cases);
    cases.0
}

struct Cases(Vec<Case>);

impl Cases {
    fn add(&mut self, name: impl Into<String>, archive: Vec<u8>, fate: Fate) {
        self.0.push(Case { name: name.into(), archive, fate, escapes: false });
    }

    /// One that writes outside if nobody looks.
    fn escape(&mut self, name: impl Into<String>, archive: Tar) {
        self.0.push(Case { name: name.into(), archive: archive.gzip(), fate: UNSAFE, escapes: true });
    }
}

fn paths(cases: &mut Cases, aim: &str) {
    for path in ["../x", "../../x", "a/../../x", "./../x", "a/b/../../../x", ".//..//x", "../b-evil/x"] {
        cases.escape(format!("path {path}"), tar().folder("a").folder("a/b").file("first", b"1").file(path, b"x"));
    }
    cases.escape("folder ../dir", tar().folder("../dir/"));
    cases.escape("an absolute path", tar().file(&format!("{aim}/x"), b"x"));
    cases.escape("an absolute path with two slashes", tar().file(&format!("/{aim}/x"), b"x"));
    cases.escape("an absolute folder", tar().folder(&format!("{aim}/folder")));
    cases.escape("over a file outside", tar().file(&format!("{aim}/secret"), b"x"));
    cases.escape("the prefix field leads out", tar().prefixed(b"..", b"x", b"x"));
    cases.escape("the prefix field is absolute", tar().prefixed(aim.as_bytes(), b"x", b"x"));
    for path in ["a/..", "..", "a/../x", "..\\x", "a\\..\\..\\x", "C:\\x", "C:x", "c:/x", "\\\\host\\share\\x", "\\x"] {
        cases.add(format!("path {path}"), tar().folder("a").file(path, b"x").gzip(), UNSAFE);
    }
    cases.add("the top as a file", tar().file(".", b"x").gzip(), UNSAFE);
    cases.add("the top as a link", tar().link("./", "a").gzip(), UNSAFE);
    cases.add("a file with a slash at its end", tar().file("a/", b"x").gzip(), UNSAFE);
    cases.add("no name", tar().file("", b"x").gzip(), UNSAFE);
}

fn long_names(cases: &mut Cases, aim: &str) {
    let out = format!("{aim}/x");
    cases.escape("a GNU long name leads out", tar().long(b'L', b"../x").file("innocent", b"x"));
    cases.escape("an absolute GNU long name", tar().long(b'L', out.as_bytes()).file("innocent", b"x"));
    cases.escape("a pax path leads out", tar().pax("path", b"../x").file("innocent", b"x"));
    cases.escape("an absolute pax path", tar().pax("path", out.as_bytes()).file("innocent", b"x"));
    let second = tar().pax("path", b"fine").pax("path", b"../x").file("innocent", b"x");
    cases.add("the second of two pax headers leads out", second.gzip(), UNSAFE);
    let both = [pax_record("path", b"fine"), pax_record("path", b"../x")].concat();
    cases.add("two paths in one pax header", tar().record(b'x', &both).file("innocent", b"x").gzip(), UNSAFE);
    cases.add(
        "the second of two long names leads out",
        tar().long(b'L', b"fine").long(b'L', b"../x").file("innocent", b"x").gzip(),
        UNSAFE,
    );
    cases.add(
        "a GNU long link leads out",
        tar().long(b'K', format!("{aim}/secret").as_bytes()).link("l", "fine").gzip(),
        UNSAFE,
    );
    cases.add("a pax link leads out", tar().pax("linkpath", out.as_bytes()).link("l", "fine").gzip(), UNSAFE);
    cases.add("a GNU long name of 4 KB", tar().long(b'L', &[b'n'; 4096]).file("x", b"").gzip(), UNSAFE);
    cases.add("a pax path of 4 KB", tar().pax("path", &[b'n'; 4096]).file("x", b"").gzip(), UNSAFE);
    cases.add("a name of 256 bytes", tar().long(b'L', &[b'n'; 256]).file("x", b"").gzip(), UNSAFE);
    cases.add("a long name of 1 MB", tar().long(b'L', &vec![b'n'; 1 << 20]).file("x", b"").gzip(), DAMAGED);
    cases.add("a pax header of 1 MB", tar().pax("comment", &vec![b'n'; 1 << 20]).file("x", b"").gzip(), DAMAGED);
    cases.add("a path 65 deep", tar().long(b'L', vec!["d"; 65].join("/").as_bytes()).file("x", b"").gzip(), UNSAFE);
    cases.add("a link to 4 KB", tar().long(b'K', "t/".repeat(2048).as_bytes()).link("l", "x").gzip(), UNSAFE);
    cases.add("a pax header with a wrong length", tar().record(b'x', b"999 path=x\n").file("a", b"").gzip(), DAMAGED);
    cases.add("a pax header that is no pax header", tar().record(b'x', &[0xff; 40]).file("a", b"").gzip(), DAMAGED);
    cases.add("a pax path that is empty", tar().pax("path", b"").file("a", b"").gzip(), UNSAFE);
    // What holds for the archive as a whole names no file: git writes such a header.
    let global = tar().record(b'g', &pax_record("path", b"../x")).file("innocent", b"x");
    cases.add("a global pax header with a path", global.gzip(), Fate::Inside(&["innocent"]));
    cases.add("a long name and nothing after it", tar().long(b'L', b"../x").gzip(), Fate::Inside(&[]));
}

fn odd_names(cases: &mut Cases) {
    cases.add("NUL in a pax path", tar().pax("path", b"a\0../../x").file("innocent", b"x").gzip(), UNSAFE);
    cases.add("NUL in a pax link", tar().pax("linkpath", b"a\0b").link("l", "x").gzip(), UNSAFE);
    let after = tar().header(b"innocent\0../../x", FILE, 1, b"", 0o644).data(b"x");
    cases.add("a path behind a NUL", after.gzip(), Fate::Inside(&["innocent"]));
    cases.add("a name that is not UTF-8", tar().header(b"a\xff\xfe", FILE, 0, b"", 0o644).gzip(), UNSAFE);
    cases.add("a slash that is too long in UTF-8", tar().header(b"..\xc0\xafx", FILE, 0, b"", 0o644).gzip(), UNSAFE);
    cases.add("a surrogate in a name", tar().header(b"a\xed\xa0\x80", FILE, 0, b"", 0o644).gzip(), UNSAFE);
    for (name, path) in
        [("a line break", "a\nb"), ("an escape", "a\u{1b}[31m"), ("a bell", "a\u{7}"), ("C1", "a\u{9b}")]
    {
        cases.add(format!("{name} in a name"), tar().file(path, b"x").gzip(), UNSAFE);
    }
    for turned in ['\u{202e}', '\u{2066}', '\u{200f}', '\u{61c}'] {
        let path = format!("a{turned}ft.exe");
        cases.add(format!("{} in a name", turned.escape_unicode()), tar().file(&path, b"x").gzip(), UNSAFE);
    }
    let look_alike = tar().file("main.tf", b"1").file("m\u{430}in.tf", b"2");
    cases.add("names that look alike", look_alike.gzip(), Fate::Inside(&["main.tf", "m\u{430}in.tf"]));
    let one_dot = tar().file("\u{2024}\u{2024}/x", b"1").file("\u{ff0e}\u{ff0e}/x", b"2");
    let inside = Fate::Inside(&["\u{2024}\u{2024}/x", "\u{ff0e}\u{ff0e}/x"]);
    cases.add("dots and slashes that are none", one_dot.gzip(), inside);
    cases.add("three dots", tar().file(".../x", b"1").gzip(), Fate::Inside(&[".../x"]));
    cases.add("names for Windows", tar().file("CON", b"1").file("a:b", b"").gzip(), UNSAFE);
    cases.add("a stream of another file", tar().file("main.tf:x", b"1").gzip(), Fate::Inside(&["main.tf:x"]));
    cases.add("a name that is an option", tar().file("-rf", b"1").gzip(), Fate::Inside(&["-rf"]));
}

fn links(cases: &mut Cases, aim: &str) {
    let up = "../../../outside";
    cases.escape("a link out and a write through it", tar().link("l", aim).file("l/x", b"x"));
    cases.escape("a relative link out and a write through it", tar().link("l", up).file("l/x", b"x"));
    cases.escape("a link to the parent and a write through it", tar().link("l", "..").file("l/x", b"x"));
    cases.escape("a link to a file outside, and the file", tar().link("s", &format!("{aim}/secret")).file("s", b"x"));
    cases.escape(
        "a chain of links, each inside by its text",
        tar().folder("d").link("d/up", "..").link("l", "d/up/..").file("l/x", b"x"),
    );
    cases.escape(
        "a chain of links to the top and out (CVE-2020-29529)",
        tar().link("top", ".").link("top/out", "..").link("further", "out/..").file("further/x", b"x"),
    );
    cases.escape(
        "three links",
        tar().folder("d").link("d/c", "../..").link("b", "d/c").link("a", "b").file("a/x", b"x"),
    );
    cases.escape(
        "a link over what begins with the same name (go-slug)",
        tar().folder("../b-evil").link("l", "../b-evil").file("l/x", b"x"),
    );
    cases.escape("a folder through a link", tar().link("l", aim).folder("l/new"));
    cases.escape("a link made through a link", tar().link("l", aim).link("l/new", "secret"));
    cases.add("a link through what is not there (CVE-2025-0377)", tar().link("l", "no/../../x").gzip(), UNSAFE);
    cases.add("the same, later there", tar().link("l", "no/../../x").folder("no").gzip(), UNSAFE);
    let reversed = tar().link("l", "p/q/r/../x").folder("p/q").link("p/q/r", "../..");
    cases.add("a chain in the other order", reversed.gzip(), UNSAFE);
    for target in ["/etc/passwd", "/", "..", "a/../../x", "./..", "a\\b", "C:x", "", "/proc/self/environ"] {
        cases.add(format!("a link to {target:?}"), tar().folder("a").link("l", target).gzip(), UNSAFE);
    }
    cases.add("a link to itself", tar().link("a", "a").gzip(), UNSAFE);
    cases.add("links in a circle", tar().link("a", "b").link("b", "a/x").gzip(), UNSAFE);
    let steps = (0..60).fold(tar(), |tar, step| tar.link(&format!("l{step}"), &format!("l{}", step + 1)));
    cases.add("sixty links in a row", steps.gzip(), UNSAFE);
    cases.add("a write through a link inside", tar().folder("d").link("l", "d").file("l/x", b"x").gzip(), UNSAFE);
    cases.add("a link inside", tar().file("d/f", b"x").link("l", "d/f").gzip(), Fate::Inside(&["d/f", "l"]));
}

fn hard_links(cases: &mut Cases, aim: &str) {
    let secret = format!("{aim}/secret");
    cases.escape("a hard link out", tar().hard_link("h", &secret));
    cases.escape("a hard link out and a write through it", tar().hard_link("h", &secret).file("h", b"x"));
    cases.escape("a relative hard link out", tar().hard_link("h", "../../../outside/secret"));
    cases.escape("a hard link through a link", tar().link("l", aim).hard_link("h", "l/secret"));
    cases.add("a hard link to a link", tar().link("l", "x").hard_link("h", "l").gzip(), UNSAFE);
    cases.add("a hard link to itself", tar().hard_link("h", "h").gzip(), UNSAFE);
    cases.add("a hard link to what comes later", tar().hard_link("h", "x").file("x", b"").gzip(), UNSAFE);
    cases.add("a hard link to a folder", tar().folder("d").hard_link("h", "d").gzip(), UNSAFE);
    cases.add("a hard link to the top", tar().hard_link("h", ".").gzip(), UNSAFE);
    cases.add("a hard link to nothing", tar().hard_link("h", "").gzip(), UNSAFE);
    cases.add("a hard link inside", tar().file("f", b"x").hard_link("h", "f").gzip(), Fate::Inside(&["f", "h"]));
}

fn kinds(cases: &mut Cases) {
    let known: [(&str, u8); 10] = [
        ("a character device", b'3'),
        ("a block device", b'4'),
        ("a pipe", b'6'),
        ("a socket", b's'),
        ("a sparse file", b'S'),
        ("a volume's name", b'V'),
        ("a part of a file", b'M'),
        ("a folder with a list of names", b'D'),
        ("extended attributes of Solaris", b'X'),
        ("a kind that nobody knows", 0xff),
    ];
    for (name, kind) in known {
        cases.add(name, tar().header(b"x", kind, 0, b"", 0o644).gzip(), UNSAFE);
    }
    cases.add("a sparse file by pax", tar().pax("GNU.sparse.major", b"1").file("x", b"").gzip(), UNSAFE);
    let sparse = tar().pax("GNU.sparse.realsize", b"1099511627776").file("x", b"");
    cases.add("a sparse file of 1 TB by pax", sparse.gzip(), UNSAFE);
    let bits = tar().header(b"s", FILE, 1, b"", 0o7777).data(b"x").header(b"d", FOLDER, 0, b"", 0o7777);
    cases.add("set-user, set-group and sticky bits", bits.gzip(), Fate::Inside(&["s"]));
    let attributes = tar().pax("SCHILY.xattr.security.capability", b"x").file("s", b"x");
    cases.add("capabilities", attributes.gzip(), Fate::Inside(&["s"]));
    cases.add("a contiguous file", tar().header(b"x", b'7', 1, b"", 0o644).data(b"x").gzip(), Fate::Inside(&["x"]));
    cases.add("a folder of the oldest format", tar().header(b"d/", 0, 0, b"", 0o755).gzip(), Fate::Inside(&[]));
}

fn clashes(cases: &mut Cases, aim: &str) {
    cases.escape("a folder, then a link in its place", tar().folder("d").link("d", aim).file("d/x", b"x"));
    cases.escape("a link, then a folder in its place", tar().link("d", aim).folder("d").file("d/x", b"x"));
    cases.escape("a link, then its name with a slash", tar().link("d", aim).folder("d/").file("d//x", b"x"));
    cases.add("the same file twice", tar().file("a", b"x").file("a", b"y").gzip(), UNSAFE);
    cases.add("the same file, written otherwise", tar().file("a/b", b"x").file("./a//b", b"y").gzip(), UNSAFE);
    cases.add("a link over a file", tar().file("a", b"x").link("a", "b").gzip(), UNSAFE);
    cases.add("a file over a link", tar().link("a", "b").file("a", b"x").gzip(), UNSAFE);
    cases.add("a file as a folder", tar().file("a", b"x").file("a/b", b"x").gzip(), UNSAFE);
    cases.add("a folder as a file", tar().file("a/b", b"x").file("a", b"x").gzip(), UNSAFE);
    cases.add("a file, then a folder", tar().file("a", b"x").folder("a").gzip(), UNSAFE);
    cases.add("a folder under a link of later", tar().file("l/x", b"x").link("l", "d").gzip(), UNSAFE);
    let cased = tar().file("main.tf", b"1").file("MAIN.tf", b"2");
    cases.add("names that differ in case", cased.gzip(), Fate::Inside(&["MAIN.tf", "main.tf"]));
    let composed = tar().file("\u{e9}.tf", b"1").file("e\u{301}.tf", b"2");
    cases.add("one name composed in two ways", composed.gzip(), Fate::Inside(&["e\u{301}.tf", "\u{e9}.tf"]));
}

fn sizes(cases: &mut Cases) {
    let sized = |size: &[u8; 12], data: &[u8]| tar().sized(b"a", size, data).gzip();
    cases.add("a negative size", sized(b"-0000000001\0", b"x"), DAMAGED);
    cases.add("a negative size in binary", sized(&[0xff; 12], b"x"), TOO_LARGE);
    cases.add("a size of 2^63 in binary", sized(b"\x80\0\0\0\x80\0\0\0\0\0\0\0", b"x"), TOO_LARGE);
    cases.add("a size of 8 GB", sized(b"77777777777\0", b"x"), TOO_LARGE);
    cases.add("a size that is no number", sized(b"many bytes \0", b"x"), DAMAGED);
    cases.add("a size larger than what is there", sized(b"00003641100\0", b"short"), DAMAGED);
    cases.add("a size smaller than what is there", sized(b"00000000001\0", &[b'x'; 1024]), DAMAGED);
    cases.add("another size by pax", tar().pax("size", b"1000000").file("a", b"short").gzip(), DAMAGED);
    // To a reader that believes pax the second header is data of the first; to one that does not it is a file of its own.
    let hidden = tar().pax("size", b"512").header(b"a", FILE, 0, b"", 0o644).file("../x", b"");
    cases.add("a header hidden by a size of pax", hidden.gzip(), DAMAGED);
    cases.add("a negative size by pax", tar().pax("size", b"-1").file("a", b"short").gzip(), DAMAGED);
    cases.add("a folder with data", tar().header(b"d", FOLDER, 5, b"", 0o755).data(b"12345").gzip(), DAMAGED);
    cases.add("a link with data", tar().header(b"l", LINK, 5, b"x", 0o755).data(b"12345").gzip(), DAMAGED);
    cases.add("a long name of 2^40 bytes", tar().header(b"n", b'L', 0o77_777_777_777, b"", 0o644).gzip(), DAMAGED);
}

fn truncated(cases: &mut Cases) {
    let good = tar().file("a", &noise(3000)).file("b", b"b");
    let whole = good.clone().gzip();
    for length in (2..whole.len()).step_by(whole.len() / 12) {
        cases.add(format!("the first {length} bytes"), whole[..length].to_vec(), DAMAGED);
    }
    cases.add("all but the last byte", whole[..whole.len() - 1].to_vec(), DAMAGED);
    for length in [1, 300, 511, 513, 1000, 3583, 3600, 4095] {
        cases.add(format!("the first {length} bytes of the tar"), gzip(&good.0[..length]), DAMAGED);
    }
    cases.add("no end mark", gzip(&good.0), Fate::Inside(&["a", "b"]));
}

/// Little that becomes much: in bytes, in files, in memory, in time.
fn amplified(cases: &mut Cases) {
    // Each leads through 500 folders of which one is a link: together they would take minutes.
    let winding = "d/u/".repeat(250);
    let start = tar().folder("d").link("d/u", "..");
    let many = (0..20_000).fold(start, |tar, at| tar.long(b'K', winding.as_bytes()).link(&format!("l{at}"), "x"));
    cases.add("links that wind", many.gzip(), TOO_LARGE);
    let plain = "d/../".repeat(150);
    let many =
        (0..20_000).fold(tar().folder("d"), |tar, at| tar.long(b'K', plain.as_bytes()).link(&format!("l{at}"), "x"));
    cases.add("links that go up and down", many.gzip(), TOO_LARGE);
    let noise = noise(4 << 20);
    let copies = (0..200).fold(tar().file("f", &noise), |tar, at| tar.hard_link(&format!("h{at}"), "f"));
    cases.add("800 MB by hard links", copies.gzip(), TOO_LARGE);
    let files = |count: u32| (0..count).fold(tar(), |tar, at| tar.file(&format!("f{at}"), b"")).gzip();
    cases.add("50,001 empty files", files(50_001), TOO_LARGE);
    let records = (0..50_001).fold(tar(), |tar, _| tar.pax("comment", b"x"));
    cases.add("50,001 headers of no file", records.gzip(), TOO_LARGE);
    // 1.2 million folders that no entry names.
    let deep = (0..20_000).fold(tar(), |tar, at| tar.file(&format!("{at}/{}x", "d/".repeat(45)), b""));
    cases.add("folders by the million", deep.gzip(), TOO_LARGE);
    let folder = ["n".repeat(240).as_str(); 4].join("/");
    let long = (0..20_000).fold(tar(), |tar, at| tar.long(b'L', format!("{folder}/{at}").as_bytes()).file("x", b""));
    cases.add("20 MB of names", long.gzip(), TOO_LARGE);
}

fn formats(cases: &mut Cases) {
    for (name, bytes) in [
        ("zstd", &b"\x28\xb5\x2f\xfd rest"[..]),
        ("zip", b"PK\x03\x04 rest"),
        ("an empty zip", b"PK\x05\x06 rest"),
        ("xz", b"\xfd7zXZ\0 rest"),
        ("bzip2", b"BZh9 rest"),
        ("lz4", b"\x04\x22\x4d\x18 rest"),
        ("7z", b"7z\xbc\xaf\x27\x1c rest"),
        ("JSON", b"{\"data\": 1}"),
        ("nothing", b""),
        ("one byte", b"\x1f"),
        ("words", b"hello"),
    ] {
        cases.add(format!("{name} instead of gzip"), bytes.to_vec(), FORMAT);
    }
    cases.add("a tar that is not compressed", tar().file("a", b"").0, FORMAT);
    cases.add("words in gzip", gzip(&[b'x'; 2000]), DAMAGED);
    cases.add("a zip in gzip", gzip(b"PK\x03\x04 rest"), DAMAGED);
    cases.add("gzip in gzip", gzip(&tar().file("a", b"").gzip()), DAMAGED);
    cases.add("nothing in gzip", gzip(b""), Fate::Inside(&[]));
    let mut wrong = tar().file("a", b"x");
    wrong.0[0] = b'z';
    cases.add("a header with a wrong checksum", wrong.gzip(), DAMAGED);
}

fn compression(cases: &mut Cases) {
    let good = tar().file("a", b"x");
    let whole = good.clone().gzip();
    cases.add("a bomb of 250 MB", bomb(250, &good.0, b""), TOO_LARGE);
    cases.add("a bomb behind the end mark", bomb(250, &good.0, &[0; 1024]), TOO_LARGE);
    cases.add(
        "a bomb inside, which nobody opens",
        {
            let inner = bomb(30, &[], b"");
            tar().file("inner.tar.gz", &inner).gzip()
        },
        Fate::Inside(&["inner.tar.gz"]),
    );
    cases.add("junk behind gzip", [whole.as_slice(), b"junk"].concat(), DAMAGED);
    cases.add("zeros behind gzip", [whole.as_slice(), &[0; 512]].concat(), DAMAGED);
    cases.add("two archives", [whole.as_slice(), &whole].concat(), DAMAGED);
    cases.add(
        "one archive as two members",
        {
            let bytes = [good.0.as_slice(), &[0; 1024]].concat();
            [gzip(&bytes[..700]), gzip(&bytes[700..])].concat()
        },
        DAMAGED,
    );
    let hidden = [good.0.as_slice(), &[0; 1024], &tar().file("../x", b"").0].concat();
    cases.add("a second archive behind the end mark", gzip(&hidden), DAMAGED);
    cases.add("junk behind the end mark", gzip(&[good.0.as_slice(), &[0; 1024], b"junk"].concat()), DAMAGED);
    for (name, from_end) in [("checksum", 6), ("length", 2)] {
        let mut flipped = whole.clone();
        let at = flipped.len() - from_end;
        flipped[at] ^= 1;
        cases.add(format!("a wrong {name} of gzip"), flipped, DAMAGED);
    }
    let mut method = whole.clone();
    method[2] = 9;
    cases.add("another method of gzip", method, DAMAGED);
    let mut named = GzBuilder::new().filename("../../x").write(Vec::new(), Compression::fast());
    named.write_all(&[good.0.as_slice(), &[0; 1024]].concat()).expect("compressed");
    cases.add("a file name in gzip", named.finish().expect("compressed"), Fate::Inside(&["a"]));
}

/// What other people's tools leave in a folder. It stays inside; the executor removes what would change a run.
fn contents(cases: &mut Cases) {
    let kept = tar()
        .file(".terraform/terraform.tfstate", b"{}")
        .file(".terraform/environment", b"other")
        .file(".git/config", b"[core]\n\tfsmonitor = id\n")
        .header(b".git/hooks/post-checkout", FILE, 2, b"", 0o755)
        .data(b"id")
        .file("terraform.tfstate", b"{}")
        .file("errored.tfstate", b"{}")
        .file("terraform.tfstate.d/net/terraform.tfstate", b"{}")
        .file(".terraformrc", b"");
    let inside = Fate::Inside(&[
        ".git/config",
        ".git/hooks/post-checkout",
        ".terraform/environment",
        ".terraform/terraform.tfstate",
        ".terraformrc",
        "errored.tfstate",
        "terraform.tfstate",
        "terraform.tfstate.d/net/terraform.tfstate",
    ]);
    cases.add("what terraform and git keep in a folder", kept.gzip(), inside);
}

fn pax_record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
    let digits = (1..).find(|digits| (rest.len() + digits).to_string().len() == *digits).expect("a length");
    [(rest.len() + digits).to_string().as_bytes(), &rest].concat()
}

/// Bytes that do not compress, the same every time (xorshift).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// A file, or what follows an end mark, of so many megabytes of zeros, about a thousandth of that when it is sent.
fn bomb(megabytes: u64, before: &[u8], end: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let size = megabytes << 20;
    encoder.write_all(before).expect("compressed");
    let header = if end.is_empty() { tar().header(b"zeros", FILE, size, b"", 0o644).0 } else { end.to_vec() };
    encoder.write_all(&header).expect("compressed");
    let zeros = vec![0; 1 << 20];
    for _ in 0..megabytes {
        encoder.write_all(&zeros).expect("compressed");
    }
    encoder.finish().expect("compressed")
}
