//! What is known before a commit: objects in the ledger, alerts, groups, rates.

use askance_stages::raise::{Asks, Group, Known, Rate};
use rusqlite::{Connection, OptionalExtension as _};

use super::values;
use crate::store::MAX_GROUPS;

/// Which objects are in the ledger.
pub(super) fn are_done(read: &Connection, keys: &[String]) -> rusqlite::Result<Vec<bool>> {
    let mut find = read.prepare_cached("SELECT 1 FROM ledger WHERE hash = ?1")?;
    keys.iter().map(|key| find.exists([values::hash(&[key])])).collect()
}

/// What is asked, and nothing else.
pub(super) fn known(read: &Connection, asks: &Asks) -> rusqlite::Result<Known> {
    let mut known = Known::default();
    let mut find = read.prepare_cached("SELECT 1 FROM alerts WHERE id = ?1")?;
    for id in &asks.ids {
        if find.exists([id])? {
            known.seen.insert(id.clone());
        }
    }
    for key in &asks.keys {
        put_groups(read, key.clone(), &mut known)?;
    }
    let mut find = read.prepare_cached("SELECT json FROM groups WHERE leader = ?1")?;
    for id in &asks.leaders {
        let group = find.query_row([id], |row| values::read(0, row.get_ref(0)?.as_str()?));
        known.leading.extend(group.optional()?.map(|group| (id.clone(), group)));
    }
    let mut find =
        read.prepare_cached("SELECT since, told, held_under FROM rates WHERE rule = ?1")?;
    for rule in &asks.rules {
        let rate = find.query_row([rule], |row| {
            Ok(Rate {
                since: values::time(row.get(0)?),
                told: values::unsigned(row.get(1)?),
                held_under: row.get(2)?,
            })
        });
        let Some(rate) = rate.optional()? else { continue };
        if let Some(leader) = &rate.held_under {
            put_groups(read, Known::held_key(leader), &mut known)?;
        }
        known.rates.insert(rule.clone(), rate);
    }
    Ok(known)
}

fn put_groups(read: &Connection, key: String, known: &mut Known) -> rusqlite::Result<()> {
    let mut find = read.prepare_cached(
        "SELECT groups.json FROM group_keys JOIN groups ON groups.number = group_keys.member
         WHERE group_keys.key = ?1 ORDER BY group_keys.member DESC LIMIT ?2",
    )?;
    let mut rows = find.query((&key, MAX_GROUPS as i64))?;
    let mut groups: Vec<Group> = Vec::new();
    while let Some(row) = rows.next()? {
        groups.push(values::read(0, row.get_ref(0)?.as_str()?)?);
    }
    if !groups.is_empty() {
        known.groups.insert(key, groups);
    }
    Ok(())
}
