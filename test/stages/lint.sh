stage_lint() { :; }
