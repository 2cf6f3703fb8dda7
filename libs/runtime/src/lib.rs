//! What every Fjord controller shares: frame, conditions, events, queue, election, metrics, logs, flags.
