"""Rollouts as other controllers see them: Argo Rollouts asks, Flagger calls. Pure answers, and their pages."""
