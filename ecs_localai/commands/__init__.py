"""What the command ``ecs-localai`` does, one subcommand a file. `command_line` has their options.

Every command is a plain function that takes what was chosen and returns the exit code, or raises
`failure.CommandFailed` or an `OllamaError` with a sentence. Heavy modules are imported by those that need them.
"""
