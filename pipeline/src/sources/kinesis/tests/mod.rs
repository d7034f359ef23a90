//! The source against doubles and against AWS as moto plays it.

pub mod double;
mod fence;
mod made_anew;
mod moto;
mod simulation;
mod stand_in;
