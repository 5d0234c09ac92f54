"""``python -m ecs_localai`` is the command ``ecs-localai``."""

from ecs_localai.cli import main

if __name__ == "__main__":
    main()
