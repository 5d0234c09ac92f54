"""The rig: the real parts that the tests run on (a real Ollama, a real registry, real faults, a real display).

Every module holds one part. All of it is synchronous and safe to call from plain tests, from threads and from
coroutines; parts that serve connections run their own event loop in a thread of their own.
"""
