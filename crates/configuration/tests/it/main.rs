//! Small stacks, written into temporary folders and read.

mod broken;
mod changed;
mod corpus;
mod edges;
mod examples;
mod hostile;
mod modules;
mod pack;
mod parsers;
mod parts;
mod reads;
mod roots;
mod settings;
mod tar;
mod unpack;

use std::fmt::Write;
use std::path::Path;

use configuration::preview::ReadBlock;
use configuration::{BackendSetting, Diagnostic, Stack, read_stack};
use tempfile::TempDir;

/// A temporary folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        write(dir.path(), path, text);
    }
    dir
}

fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    std::fs::write(path, text).expect("a file");
}

/// Reads the folder `stack` inside the files.
fn read(files: &[(&str, &str)]) -> Result<Stack, Vec<Diagnostic>> {
    let dir = folder(files);
    read_stack(&dir.path().join("stack"))
}

/// Everything about a stack that a test looks at, as text.
fn describe(files: &[(&str, &str)]) -> String {
    let stack = match read(files) {
        Ok(stack) => stack,
        Err(problems) => return describe_problems(&problems),
    };
    let mut out = String::new();
    for root in &stack.roots {
        let backend = match &root.backend {
            BackendSetting::Held => "held".to_owned(),
            BackendSetting::Own { kind, .. } => format!("own {kind}"),
        };
        let modules: Vec<String> = root
            .local_modules
            .iter()
            .map(|module| module.strip_prefix(&stack.pack_root).expect("inside").display().to_string())
            .collect();
        let modules = if modules.is_empty() { String::new() } else { format!(", calls {}", modules.join(" ")) };
        writeln!(out, "{} in {} ({backend}{modules})", root.name, root.path).expect("text");
    }
    for edge in &stack.edges {
        writeln!(out, "{} -> {}", edge.upstream, edge.downstream).expect("text");
        for reason in &edge.reasons {
            writeln!(out, "  {}: {}", reason.place, reason.what).expect("text");
        }
    }
    for reader in &stack.readers {
        let instance = reader.instance.as_ref().map(|key| format!("[{key:?}]")).unwrap_or_default();
        let repeats = if reader.has_count_or_for_each { " repeated" } else { "" };
        let sort = if reader.block == ReadBlock::TfeOutputs { "tfe_outputs " } else { "" };
        writeln!(
            out,
            "reader: {} reads {} by {sort}{}{instance} in {:?}{repeats}",
            reader.downstream, reader.upstream, reader.block_name, reader.module
        )
        .expect("text");
    }
    for notice in &stack.notices {
        writeln!(out, "{:?} ({}): {notice}", notice.kind, notice.workspace).expect("text");
    }
    out
}

fn describe_problems(problems: &[Diagnostic]) -> String {
    let mut out = String::new();
    for problem in problems {
        writeln!(out, "{problem} [{}]", problem.code).expect("text");
        if let (Some(source), Some(span)) = (&problem.source, &problem.span) {
            let text: &String = source.inner();
            writeln!(out, "  at: {:?}", &text[span.clone()]).expect("text");
        }
        if !problem.advice.is_empty() {
            writeln!(out, "  advice: {}", problem.advice).expect("text");
        }
    }
    out
}
