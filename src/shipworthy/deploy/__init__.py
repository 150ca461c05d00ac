"""Deploy: which version answers a request, what may leave, and how a rollout moves. The gateway is in `http`."""
