//! One statement of a policy, taken apart. What it means is for others to say.
//!
//! The names of elements and actions are not case-sensitive; resources and values are kept as written.

use super::value::Value;

/// Most texts of one document; what is beyond is left out and the document counts as cut.
const MAX_TEXTS: usize = 4096;

/// Longest text that is kept, in bytes; AWS's longest ARN has 2,048.
const MAX_TEXT: usize = 2048;

/// A statement.
#[derive(Debug, Clone, Default)]
pub(super) struct Statement {
    pub allows: bool,
    pub denies: bool,
    /// In lower case.
    pub actions: Vec<String>,
    /// `NotAction`, in lower case; `None` if the statement has none.
    pub not_actions: Option<Vec<String>>,
    pub resources: Vec<String>,
    /// It has a `NotResource`.
    pub has_not_resource: bool,
    /// `None` if the statement has none, as in policies of users and roles.
    pub principals: Option<Vec<Named>>,
    pub not_principals: Option<Vec<Named>>,
    pub conditions: Vec<Condition>,
}

/// A principal, by its kind: `aws`, `service`, `federated`, `canonicaluser` or `*`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub kind: String,
    pub name: String,
}

/// One key of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    /// In lower case, with its prefix and suffix.
    pub operator: String,
    /// In lower case.
    pub key: String,
    pub values: Vec<String>,
}

impl Statement {
    /// True if it is about everyone, or everyone but some.
    pub(super) fn is_for_everyone(&self) -> bool {
        let names_all = |named: &Vec<Named>| named.iter().any(|named| named.name == "*");
        self.not_principals.is_some() || self.principals.as_ref().is_some_and(names_all)
    }

    /// True if it stands in a policy of a user, role or group, or one that bounds them: it names nobody.
    pub(super) fn names_nobody(&self) -> bool {
        self.principals.is_none() && self.not_principals.is_none()
    }
}

/// Reads statements and counts what it read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub statements: Vec<Statement>,
    /// Something could not be read or was too much.
    pub is_cut: bool,
    texts: usize,
}

impl Reading {
    /// Adds the statements of a document.
    pub(super) fn document(&mut self, document: &Value) {
        self.texts = 0;
        for value in document.under("Statement").flat_map(Value::each) {
            match value {
                Value::Map(_) => self.statement(value),
                Value::Text(_) | Value::List(_) => self.is_cut = true,
            }
        }
    }

    fn statement(&mut self, value: &Value) {
        let effect = |effect: &str| {
            let effects = value.under("Effect").filter_map(Value::text);
            effects.into_iter().any(|text| text.eq_ignore_ascii_case(effect))
        };
        let statement = Statement {
            allows: effect("allow"),
            denies: effect("deny"),
            actions: self.lower(value, "Action").unwrap_or_default(),
            not_actions: self.lower(value, "NotAction"),
            resources: self.list(value, "Resource").unwrap_or_default(),
            has_not_resource: value.under("NotResource").next().is_some(),
            principals: self.principals(value, "Principal"),
            not_principals: self.principals(value, "NotPrincipal"),
            conditions: self.conditions(value),
        };
        self.is_cut |= !statement.allows && !statement.denies;
        self.statements.push(statement);
    }

    /// Adds a statement that no document holds.
    pub(super) fn push(&mut self, statement: Statement) {
        self.statements.push(statement);
    }

    fn text(&mut self, value: &Value) -> Option<String> {
        self.texts += 1;
        let text = value.text().filter(|text| text.len() <= MAX_TEXT && self.texts <= MAX_TEXTS);
        self.is_cut |= text.is_none();
        text.map(str::to_owned)
    }

    fn texts(&mut self, value: &Value) -> Vec<String> {
        value.each().iter().filter_map(|value| self.text(value)).collect()
    }

    /// The texts under a key; `None` if it is not there.
    fn list(&mut self, statement: &Value, key: &str) -> Option<Vec<String>> {
        let mut texts: Option<Vec<String>> = None;
        for value in statement.under(key) {
            texts.get_or_insert_default().extend(self.texts(value));
        }
        texts
    }

    fn lower(&mut self, statement: &Value, key: &str) -> Option<Vec<String>> {
        let texts = self.list(statement, key)?;
        Some(texts.into_iter().map(|text| text.to_ascii_lowercase()).collect())
    }

    fn principals(&mut self, statement: &Value, key: &str) -> Option<Vec<Named>> {
        let mut all: Option<Vec<Named>> = None;
        for value in statement.under(key) {
            let named = all.get_or_insert_default();
            for (kind, names) in value.members() {
                let kind = kind.to_ascii_lowercase();
                let names = self.texts(names).into_iter();
                named.extend(names.map(|name| Named { kind: kind.clone(), name }));
            }
            if value.members().is_empty() {
                let kind = "aws".to_owned();
                let names = self.texts(value).into_iter();
                named.extend(names.map(|name| Named { kind: kind.clone(), name }));
            }
        }
        all
    }

    fn conditions(&mut self, statement: &Value) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for (operator, keys) in statement.under("Condition").flat_map(Value::members) {
            for (key, values) in keys.members() {
                conditions.push(Condition {
                    operator: operator.to_ascii_lowercase(),
                    key: key.to_ascii_lowercase(),
                    values: self.texts(values),
                });
            }
        }
        conditions
    }
}
