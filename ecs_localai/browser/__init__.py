"""The browser companion's place: a loopback server and its privacy filter belong here.

Its data types are in `ecs_localai.components.browser`. Nothing listens yet.
"""
