//! Whole files, and the exact texts and positions of their errors.
