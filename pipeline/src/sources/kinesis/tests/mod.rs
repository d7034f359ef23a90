//! The source against doubles and against AWS as moto plays it.

mod double;
mod moto;
mod simulation;
mod stand_in;
