//! The two ends of a shard: it begins after its parents', and its own gives its children their leases.
//!
//! The order of writes is what keeps both true after a crash at any moment: children first, then their
//! names on the parent, then the parent's end.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::consumer::{Ended, Halt, insist};
use super::env::{Env, Unit};
use super::held::{Held, HeldError};
use super::leases::sync::Shard;
use super::leases::{Change, Lease};
use super::position::Position;
use super::stream::Child;
use crate::runtime::retry::Backoff;

/// Waits until each parent's lease is at its end, or absent.
pub async fn wait_for_parents(env: &Env, unit: &Unit, held: &Held) -> Result<(), Halt> {
    for parent in &held.lease().parents {
        let key = unit.key(parent);
        loop {
            match held.table().get(&key).await {
                Ok(None) => break,
                Ok(Some(lease)) if lease.is_finished() => break,
                Ok(Some(_)) => {}
                Err(error) => {
                    env.metrics.failed(error.reason());
                    warn!(source = %env.context.name, shard = %held.lease().shard, "{error}: will try again");
                }
            }
            tokio::select! {
                () = held.lost().cancelled() => return Err(Halt(Ended::Lost)),
                () = env.context.stop.cancelled() => return Err(Halt(Ended::Stopped)),
                () = tokio::time::sleep(env.times.look / 2) => {}
            }
        }
    }
    Ok(())
}

/// The shards that one became, by the stream's listing.
pub fn children_of(shard: &str, shards: &[Shard]) -> Vec<Child> {
    let children = shards.iter().filter(|child| child.parents.iter().any(|parent| parent == shard));
    children
        .map(|child| Child {
            id: child.id.clone(),
            parents: child.parents.clone(),
            range: Some(child.range),
        })
        .collect()
}

/// Gives the children their leases, then puts the shard at its end.
pub async fn finish(
    env: &Arc<Env>,
    unit: &Unit,
    held: &Held,
    position: &Position,
    children: Vec<Child>,
) -> Result<(), Halt> {
    for child in &children {
        if is_put_off(env, unit, held, child).await? {
            continue;
        }
        // Of a shard that had nothing since that time, the children are read from that time on too.
        let begin = match position {
            Position::AtTimestamp(at) => Position::AtTimestamp(*at),
            _ => Position::TrimHorizon,
        };
        // Of the stream that the parent is of, whatever has its name by now.
        let epoch = held.lease().epoch.or(Some(unit.epoch));
        let lease = Lease { epoch, ..new_lease(unit, child, begin) };
        let is_made = write(env, held, &lease.key, &Change::Create(lease.clone())).await?;
        if is_made {
            env.metrics.lease("made");
        }
    }
    let mut names: Vec<String> = children.into_iter().map(|child| child.id).collect();
    names.sort();
    names.dedup();
    info!(source = %env.context.name, shard = %held.lease().shard, children = names.join(" "),
        "the shard is read to its end");
    if !names.is_empty() {
        write(env, held, &held.lease().key, &Change::Children(names)).await?;
    }
    insist(env, || held.checkpoint(&Position::ShardEnd)).await
}

/// A lease for a shard that was never read.
pub fn new_lease(unit: &Unit, child: &Child, position: Position) -> Lease {
    Lease {
        key: unit.key(&child.id),
        stream: unit.id.clone(),
        shard: child.id.clone(),
        owner: None,
        counter: 0,
        position,
        switches: 0,
        parents: child.parents.clone(),
        children: Vec::new(),
        range: child.range,
        epoch: Some(unit.epoch),
    }
}

/// A child of two waits until the other parent has a lease, for without one it would begin too early:
/// then the other one makes it, at its own end. A parent that the stream no longer has is done.
async fn is_put_off(env: &Env, unit: &Unit, held: &Held, child: &Child) -> Result<bool, Halt> {
    let mut backoff = Backoff::usual();
    for parent in child.parents.iter().filter(|parent| **parent != held.lease().shard) {
        loop {
            if held.is_lost() {
                return Err(Halt(Ended::Lost));
            }
            let row = held.table().get(&unit.key(parent)).await;
            match row {
                Ok(Some(_)) => break,
                Err(error) => env.metrics.failed(error.reason()),
                Ok(None) => match unit.shards(Duration::ZERO).await {
                    Ok(shards) if shards.iter().any(|shard| shard.id == *parent) => {
                        return Ok(true);
                    }
                    Ok(_) => break,
                    Err(error) => env.metrics.failed(error.kind.name()),
                },
            }
            tokio::time::sleep(backoff.next(None)).await;
        }
    }
    Ok(false)
}

/// Writes another row than the own one, for as long as the lease is held.
async fn write(env: &Env, held: &Held, key: &str, change: &Change) -> Result<bool, Halt> {
    let mut backoff = Backoff::usual();
    loop {
        if held.is_lost() {
            return Err(HeldError::Lost.into());
        }
        match held.table().write(key, change).await {
            Ok(is_written) => return Ok(is_written),
            Err(error) => {
                env.metrics.failed(error.reason());
                warn!(source = %env.context.name, "{error}: will try again");
            }
        }
        tokio::time::sleep(backoff.next(None)).await;
    }
}
