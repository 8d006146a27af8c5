//! What a person is told when a command gives up: two lines for a problem, the place in the file for code.

use configuration::Diagnostic;
use domain::Problem;
use miette::{GraphicalReportHandler, GraphicalTheme, NarratableReportHandler};

use super::style::Style;

/// `error: what is wrong (code)` and `  what to do`.
pub(super) fn problem(problem: &Problem, style: Style) -> String {
    let code = style.dim(&format!("({})", problem.code));
    let mut text = format!("{} {} {code}\n", style.bold(&style.red("error:")), problem.message);
    if !problem.advice.is_empty() {
        text += &format!("  {}\n", problem.advice);
    }
    if let Some(cause) = problem.cause.as_deref().filter(|_| problem.fault == domain::Fault::Ours) {
        text += &format!("{}\n", style.dim(&format!("  {cause}")));
    }
    text
}

/// Every diagnostic with the lines it is about.
pub(super) fn diagnostics(all: &[Diagnostic], style: Style, width: usize) -> String {
    let theme = if style.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false).with_wrap_lines(true);
    let mut text = String::new();
    for diagnostic in all {
        let mut report = String::new();
        if diagnostic.source.is_none() {
            let plain = Problem::invalid(diagnostic.code, diagnostic.to_string()).advice(diagnostic.advice.clone());
            report = problem(&plain, style);
        } else if handler.render_report(&mut report, diagnostic).is_err() {
            report.clear();
            let _ = NarratableReportHandler::new().render_report(&mut report, diagnostic);
        }
        text += report.trim_matches('\n');
        text += "\n";
    }
    if all.len() > 1 {
        text += &format!("{} errors\n", all.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_problem_is_two_lines() {
        let told = Problem::conflict("engine/in-use", "Another multispace is at work.").advice("Wait.");
        expect![[r#"
            error: Another multispace is at work. (engine/in-use)
              Wait.
        "#]]
        .assert_eq(&problem(&told, Style::PLAIN));
    }

    #[test]
    fn a_mistake_in_code_is_shown_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/main.tf"), "").unwrap();
        std::fs::write(folder.path().join("multispace.hcl"), "workspace \"a\" {\n  colour = \"red\"\n}\n").unwrap();
        let found = configuration::read_stack(folder.path()).unwrap_err();
        let text = diagnostics(&found, Style::PLAIN, 100);
        assert!(text.contains("colour = \"red\""), "{text}");
        assert!(text.contains("multispace.hcl:2"), "{text}");
    }
}
