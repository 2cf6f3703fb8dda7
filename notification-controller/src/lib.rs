//! Events to providers; webhooks to reconcile requests.
