//! Artifact archives, digests, storage, serving, fetching and the content-addressed cache.
