//! Server-side apply, inventory, prune, object status and the live index.
