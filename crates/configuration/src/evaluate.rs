//! What an expression comes to without running Terraform: literals, templates of them, variables and locals whose value
//! the code itself gives, `path.*` and `terraform.workspace`.
//!
//! Absent: functions (but `toset`, `tolist` and `tostring` of a literal), arithmetic, resources, data. Whatever is not known is said to be
//! not known, with the part of the expression that is to blame; nothing is guessed.

use std::collections::BTreeMap;

use hcl_edit::expr::{Expression, Object, ObjectKey, Traversal, TraversalOperator};
use hcl_edit::template::{Element, Strip, Template};

use crate::value::Value;

/// How many references (a local that names a local that ...) are followed before the rest counts as not known. Ends circles too.
const MAX_REFERENCES: usize = 32;

/// Why an expression is not known: a phrase such as `var.bucket has no value in the code`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown(pub(crate) String);

type Known = Result<Value, Unknown>;

/// What names stand for in one instance of a module.
pub(crate) struct Scope<'a> {
    /// `terraform.workspace`; `None` where it has no meaning.
    pub(crate) workspace: Option<&'a str>,
    /// `path.module`: from the root's folder to the module's.
    pub(crate) module_path: &'a str,
    /// `path.cwd`: the root's folder.
    pub(crate) working_directory: &'a str,
    /// Variables that were given a value; `None` is a value that is not known. Wins over `defaults`.
    pub(crate) given: &'a BTreeMap<String, Option<Value>>,
    /// Default values of variables.
    pub(crate) defaults: &'a BTreeMap<String, Expression>,
    /// Local values.
    pub(crate) locals: &'a BTreeMap<String, Expression>,
    /// `each.key` and `each.value`.
    pub(crate) each: Option<(&'a str, &'a Value)>,
}

/// Evaluates a literal: no name means anything.
pub(crate) fn literal(expression: &Expression) -> Known {
    let none = BTreeMap::new();
    let nothing = BTreeMap::new();
    let scope = Scope {
        workspace: None,
        module_path: "",
        working_directory: "",
        given: &none,
        defaults: &nothing,
        locals: &nothing,
        each: None,
    };
    scope.evaluate(expression)
}

impl<'a> Scope<'a> {
    /// The expression itself, or the one behind `local.NAME` when it is nothing but such a name.
    pub(crate) fn local_behind(&self, expression: &'a Expression) -> &'a Expression {
        let mut expression = expression;
        for _ in 0..MAX_REFERENCES {
            let next = match expression {
                Expression::Parenthesis(inner) => Some(inner.inner()),
                Expression::Traversal(traversal) => match (&traversal.expr, traversal.operators.as_slice()) {
                    (Expression::Variable(first), [operator]) if first.as_str() == "local" => match operator.value() {
                        TraversalOperator::GetAttr(name) => self.locals.get(name.as_str()),
                        _ => None,
                    },
                    _ => None,
                },
                _ => None,
            };
            match next {
                Some(next) => expression = next,
                None => break,
            }
        }
        expression
    }

    /// What the expression comes to, or why that is not known.
    pub(crate) fn evaluate(&self, expression: &Expression) -> Known {
        self.follow(expression, MAX_REFERENCES)
    }

    fn follow(&self, expression: &Expression, left: usize) -> Known {
        match expression {
            Expression::Null(_) => Ok(Value::Null),
            Expression::Bool(value) => Ok(Value::Bool(*value.value())),
            Expression::Number(number) => {
                Ok(Value::Number(number.as_repr().map_or_else(|| number.value().to_string(), |repr| repr.to_string())))
            }
            Expression::String(text) => Ok(Value::String(text.value().clone())),
            Expression::Parenthesis(inner) => self.follow(inner.inner(), left),
            Expression::Array(items) => {
                items.iter().map(|item| self.follow(item, left)).collect::<Result<_, _>>().map(Value::List)
            }
            Expression::Object(object) => self.object(object, left),
            Expression::StringTemplate(template) => self.template(template, left),
            Expression::HeredocTemplate(heredoc) => self.template(&heredoc.template, left),
            Expression::Traversal(traversal) => self.traversal(traversal, left),
            Expression::UnaryOp(operation) => self.negative(operation, left),
            Expression::FuncCall(call) => {
                let name = call.name.name.as_str();
                let mut arguments = call.args.iter();
                match (name, arguments.next(), arguments.next()) {
                    ("toset" | "tolist" | "tostring", Some(argument), None) if !call.name.is_namespaced() => {
                        self.follow(argument, left)
                    }
                    _ => Err(Unknown(format!("it calls {name}()"))),
                }
            }
            Expression::Variable(name) => Err(Unknown(format!("{} has no value in the code", name.as_str()))),
            Expression::Conditional(_) | Expression::BinaryOp(_) | Expression::ForExpr(_) => {
                Err(Unknown("it is computed when Terraform runs".to_owned()))
            }
        }
    }

    fn negative(&self, operation: &hcl_edit::expr::UnaryOp, left: usize) -> Known {
        match (operation.operator.value(), self.follow(&operation.expr, left)?) {
            (hcl_edit::expr::UnaryOperator::Neg, Value::Number(number)) => Ok(Value::Number(format!("-{number}"))),
            (hcl_edit::expr::UnaryOperator::Not, Value::Bool(value)) => Ok(Value::Bool(!value)),
            _ => Err(Unknown("it is computed when Terraform runs".to_owned())),
        }
    }

    fn object(&self, object: &Object, left: usize) -> Known {
        let mut entries = BTreeMap::new();
        for (key, value) in object.iter() {
            let key = match key {
                ObjectKey::Ident(name) => name.as_str().to_owned(),
                // A bare name parses as a variable in some positions, and is a literal key in all of them.
                ObjectKey::Expression(Expression::Variable(name)) => name.as_str().to_owned(),
                ObjectKey::Expression(expression) => self
                    .follow(expression, left)?
                    .to_template_text()
                    .ok_or_else(|| Unknown("a key of it is not a string".to_owned()))?,
            };
            entries.insert(key, self.follow(value.expr(), left)?);
        }
        Ok(Value::Object(entries))
    }

    fn template(&self, template: &Template, left: usize) -> Known {
        let mut text = String::new();
        for element in template.iter() {
            match element {
                Element::Literal(literal) => text.push_str(literal.value()),
                Element::Interpolation(interpolation) if interpolation.strip != Strip::None => {
                    return Err(Unknown("it has a template that strips blanks".to_owned()));
                }
                Element::Interpolation(interpolation) => {
                    // `"${x}"` alone is x itself, whatever its type.
                    if template.len() == 1 {
                        return self.follow(&interpolation.expr, left);
                    }
                    let value = self.follow(&interpolation.expr, left)?;
                    text.push_str(
                        &value
                            .to_template_text()
                            .ok_or_else(|| Unknown(format!("{} is in a template", value.kind())))?,
                    );
                }
                Element::Directive(_) => return Err(Unknown("it has a template directive".to_owned())),
            }
        }
        Ok(Value::String(text))
    }

    fn traversal(&self, traversal: &Traversal, left: usize) -> Known {
        let Some(left) = left.checked_sub(1) else {
            return Err(Unknown("its names refer to one another too often".to_owned()));
        };
        let Expression::Variable(first) = &traversal.expr else {
            let value = self.follow(&traversal.expr, left)?;
            return self.descend(value, &traversal.operators, left);
        };
        let mut operators = traversal.operators.as_slice();
        let second = match operators.split_first().map(|(operator, rest)| (operator.value(), rest)) {
            Some((TraversalOperator::GetAttr(name), rest)) => {
                operators = rest;
                name.as_str()
            }
            _ => return Err(Unknown(format!("{} has no value in the code", first.as_str()))),
        };
        let text = |text: &str| Ok(Value::String(text.to_owned()));
        let value = match (first.as_str(), second) {
            ("var", name) => self.variable(name, left),
            ("local", name) => match self.locals.get(name) {
                Some(expression) => self.follow(expression, left),
                None => Err(Unknown(format!("local.{name} is not declared"))),
            },
            ("path", "module") => text(self.module_path),
            ("path", "root") => text("."),
            ("path", "cwd") => text(self.working_directory),
            ("terraform", "workspace") if self.workspace.is_some() => text(self.workspace.unwrap_or_default()),
            ("each", "key") if self.each.is_some() => text(self.each.map_or("", |(key, _)| key)),
            ("each", "value") if self.each.is_some() => Ok(self.each.map_or(Value::Null, |(_, value)| value.clone())),
            (first, second) => Err(Unknown(format!("{first}.{second} is known only when Terraform runs"))),
        }?;
        self.descend(value, operators, left)
    }

    fn variable(&self, name: &str, left: usize) -> Known {
        match (self.given.get(name), self.defaults.get(name)) {
            (Some(Some(value)), _) => Ok(value.clone()),
            (Some(None), _) => {
                Err(Unknown(format!("var.{name} is given a value that is known only when Terraform runs")))
            }
            (None, Some(default)) => self.follow(default, left),
            (None, None) => Err(Unknown(format!("var.{name} has no value in the code"))),
        }
    }

    fn descend(&self, value: Value, operators: &[hcl_edit::Decorated<TraversalOperator>], left: usize) -> Known {
        let mut value = value;
        for operator in operators {
            let key = match operator.value() {
                TraversalOperator::GetAttr(name) => Value::String(name.as_str().to_owned()),
                TraversalOperator::Index(index) => self.follow(index, left)?,
                TraversalOperator::LegacyIndex(index) => Value::Number(index.value().to_string()),
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                    return Err(Unknown("it is computed when Terraform runs".to_owned()));
                }
            };
            let part = match (&value, &key) {
                (Value::Object(entries), Value::String(name)) => entries.get(name).cloned(),
                (Value::List(items), Value::Number(index)) => {
                    index.parse::<usize>().ok().and_then(|index| items.get(index).cloned())
                }
                _ => None,
            };
            value = part.ok_or_else(|| Unknown("it names a part that is not there".to_owned()))?;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let expression: Expression = source.parse().expect("an expression");
        let text = match literal(&expression) {
            Ok(value) => value.to_hcl(),
            Err(Unknown(why)) => why,
        };
        assert_eq!(text, expected, "{source}");
    }

    #[test]
    fn literals_come_back_as_they_were_written() {
        for source in [
            r#""plain""#,
            r#""$${no} %%{no} $5 100% \"q\" \\ \n \t ü""#,
            "12345678901234567890.123456789",
            "-1.5e10",
            r#"[1, true, null, "a"]"#,
            "{}",
            r#"{ "a" = { "b" = [] } }"#,
        ] {
            check(source, source);
        }
    }

    #[test]
    fn templates_of_literals_are_literals() {
        check(r#""a ${1 + 1}""#, "it is computed when Terraform runs");
        check(r#""${"x"}-${5}-${true} $${z}""#, r#""x-5-true $${z}""#);
        check(r#""${[1]}""#, "[1]");
        check(r#""a${[1]}""#, "a list is in a template");
        check("<<EOT\nline $${x}\nnext\nEOT", r#""line $${x}\nnext\n""#);
        check("<<-EOT\n    a\n      b\n  EOT", r#""a\n  b\n""#);
        check(r#"[{ a = ["x", "y"] }][0].a[1]"#, r#""y""#);
        check(r#"{ (("k")) = 1, l : 2 }"#, r#"{ "k" = 1, "l" = 2 }"#);
    }

    #[test]
    fn names_without_a_value_are_said() {
        check("var.x", "var.x has no value in the code");
        check("foo", "foo has no value in the code");
        check("local.a.b", "local.a is not declared");
        check("each.key", "each.key is known only when Terraform runs");
        check("terraform.workspace", "terraform.workspace is known only when Terraform runs");
        check(r#"upper("a")"#, "it calls upper()");
        check("provider::x::toset([])", "it calls toset()");
    }
}
