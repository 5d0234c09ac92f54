"""ecs-localai: a Bevy-style ECS runtime on esper, and the Local AI models panel built on it."""
