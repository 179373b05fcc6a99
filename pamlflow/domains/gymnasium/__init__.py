"""Environments of gymnasium (https://gymnasium.farama.org), whose attributes are the parameters of tasks."""
