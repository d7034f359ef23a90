//! What the machine is called that this runs on.

use std::env;

/// The name that the host has now; containers name themselves the same way. `None` if it cannot be told.
pub fn name() -> Option<String> {
    let of_system = std::fs::read_to_string("/proc/sys/kernel/hostname");
    // Elsewhere shells know it.
    let name = of_system.ok().or_else(|| env::var("HOSTNAME").ok())?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}
