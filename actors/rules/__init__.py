"""The rules: one pure module each, found by the registry, judged by one RuleActor each."""
