"""The tests of ecs-localai, on real parts (see ``tests.rig``)."""
