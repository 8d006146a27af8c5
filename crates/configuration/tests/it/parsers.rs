//! Hostile bytes as archives, code and settings. None panics, and of an archive nothing comes to lie outside.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use configuration::{Limits, check, extent, read_outputs, read_stack, says_where_providers_are, unpack, with_mirror};

use crate::hostile::small_cases;
use crate::tar::gzip;

#[test]
fn no_archive_panics_and_none_writes_outside() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("outside")).expect("a folder");
    fs::write(dir.path().join("outside/secret"), "untouched").expect("a file");
    let into = dir.path().join("in/a/b");
    let cases = small_cases(dir.path().join("outside").to_str().expect("text"));
    let archives: Vec<_> = cases.into_iter().map(|case| case.archive).filter(|it| it.len() < 4096).collect();
    let seeds: Vec<&[u8]> = archives.iter().map(Vec::as_slice).collect();
    let untouched = || {
        let names = fs::read_dir(dir.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        assert!(names.into_iter().all(|name| name == "in" || name == "outside"));
        assert_eq!(fs::read_dir(dir.path().join("outside")).expect("a folder").count(), 1);
        assert_eq!(fs::read(dir.path().join("outside/secret")).expect("a file"), b"untouched");
        if let Ok(inner) = fs::read_dir(dir.path().join("in")) {
            assert!(inner.into_iter().all(|entry| entry.expect("an entry").file_name() == "a"));
        }
        let _ = fs::remove_dir_all(dir.path().join("in"));
    };
    fuzz::survives("archive", &seeds, &|bytes| {
        let checked = check(bytes, &Limits::default());
        let unpacked = unpack(bytes, &into, &Limits::default());
        assert_eq!(checked.is_ok(), unpacked.is_ok());
        untouched();
    });
    // The same inside of the compression, with the checksum of each header made good again: most changes get past gzip then.
    let plain: Vec<Vec<u8>> = archives.iter().filter_map(|archive| inflated(archive)).collect();
    let seeds: Vec<&[u8]> = plain.iter().map(Vec::as_slice).collect();
    fuzz::survives("archive-inside", &seeds, &|bytes| {
        let archive = gzip(&with_checksums(bytes));
        let checked = check(&archive, &Limits::default());
        let unpacked = unpack(&archive, &into, &Limits::default());
        assert_eq!(checked.is_ok(), unpacked.is_ok());
        untouched();
    });
}

fn inflated(archive: &[u8]) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(archive).take(8192).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Every block that looks like a header gets the checksum that it should have.
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for block in bytes.chunks_exact_mut(512).filter(|block| &block[257..262] == b"ustar") {
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    bytes
}

const CODE: &[&[u8]] = &[
    br#"terraform {
  backend "remote" {
    organization = "a"
    workspaces { prefix = "x-" }
  }
  required_providers { tfe = { source = "hashicorp/tfe", version = "~> 1.0" } }
}
data "terraform_remote_state" "up" {
  for_each = toset(["a", "b"])
  backend  = "local"
  config   = { path = "../${each.key}/terraform.tfstate" }
}
variable "a" { default = [1, { b = "c" }] }
output "o" { value = [for k, v in data.terraform_remote_state.up : v.outputs["x"][0].y if k != "z"] }
"#,
    br#"module "m" {
  source = "./m"
  x = var.a ? -1.5e3 : !true && (1 + 2 * 3 >= 4)
  y = <<-EOT
    %{ for i in var.a ~}
    ${i}
    %{ endfor ~}
  EOT
  z = "a\"b\u00e9${"c"}$${d}"
}
locals { s = var.a[*].b.*.c }
"#,
    b"workspace \"a\" {\n  retries = 2\n  variables = { x = workspace.b.outputs.y }\n}\napprove { no_destroys = true }\n",
];

#[test]
fn no_code_makes_reading_a_stack_panic() {
    let dir = tempfile::tempdir().expect("a folder");
    let (a, b) = (dir.path().join("stack/a"), dir.path().join("stack/b"));
    for folder in [&a, &b] {
        fs::create_dir_all(folder).expect("a folder");
    }
    fs::write(b.join("main.tf"), CODE[0]).expect("a file");
    fuzz::survives("hcl", CODE, &|bytes| {
        fs::write(a.join("main.tf"), bytes).expect("a file");
        fs::write(dir.path().join("stack/multispace.hcl"), bytes).expect("a file");
        read(&dir.path().join("stack"));
        let given = BTreeMap::from([("a".to_owned(), None)]);
        let _ = read_outputs(&a, "", "net", &given);
        let _ = extent(std::slice::from_ref(&a), &BTreeMap::from([("a", "7")]));
    });
    let json: &[&[u8]] = &[
        br#"{"terraform":[{"backend":{"local":{"path":"x"}}}],"data":{"terraform_remote_state":{"up":{"backend":"local","config":{"path":"${path.module}/../b/terraform.tfstate"}}}},"output":{"o":{"value":"${data.terraform_remote_state.up.outputs.x}"}},"module":{"m":[{"source":"./m"}]}}"#,
        br#"{"variable":{"a":{"default":[1,{"b":null}]}},"locals":{"x":"%{ if true }a%{ endif }"}}"#,
    ];
    fs::remove_file(a.join("main.tf")).expect("removed");
    fs::remove_file(dir.path().join("stack/multispace.hcl")).expect("removed");
    fuzz::survives("hcl-json", json, &|bytes| {
        fs::write(a.join("main.tf.json"), bytes).expect("a file");
        fs::write(a.join("terraform.tfvars.json"), bytes).expect("a file");
        read(&dir.path().join("stack"));
        let _ = read_outputs(&a, "", "net", &BTreeMap::new());
        let _ = extent(std::slice::from_ref(&a), &BTreeMap::new());
    });
}

/// Reads a stack and shows what is wrong with it, which takes places in the text apart.
fn read(dir: &Path) {
    for problem in read_stack(dir).err().into_iter().flatten() {
        let _ = format!("{problem} {problem:?}");
        if let (Some(source), Some(span)) = (&problem.source, &problem.span) {
            let text: &String = source.inner();
            assert!(text.get(span.clone()).is_some(), "{span:?} of {} bytes", text.len());
        }
    }
}

#[test]
fn no_cli_configuration_panics() {
    let seeds: &[&[u8]] = &[
        b"provider_installation {\n  filesystem_mirror {\n    path = \"/x\"\n    include = [\"a/b/*\"]\n  }\n  direct {\n    exclude = [\"a/b/c\"]\n  }\n}\n",
        b"credentials \"a.example\" {\n  token = \"t\"\n}\nplugin_cache_dir = \"/c\"\n",
    ];
    fuzz::survives("cli-configuration", seeds, &|bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = says_where_providers_are(&text);
        drop(with_mirror(&text, Path::new("/mirror"), &["registry.terraform.io/a/b".to_owned()]));
    });
}

#[test]
fn no_lock_file_panics() {
    let seeds: &[&[u8]] = &[
        b"provider \"a.example/b/c\" {\n  version = \"1.0.0\"\n  constraints = \"~> 1.0\"\n  hashes = [\n    \"h1:x=\",\n    \"zh:y\",\n  ]\n}\n",
    ];
    fuzz::survives("lock-file", seeds, &|bytes| {
        let text = String::from_utf8_lossy(bytes);
        drop(configuration::locked(&text));
        if let Some(without) = configuration::without_hashes(&text) {
            assert!(configuration::locked(&without).is_none_or(|all| all.iter().all(|it| it.hashes.is_empty())));
        }
    });
}
