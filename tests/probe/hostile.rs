//! Scripted servers that say nothing, too much, or nonsense: every run ends in time.
