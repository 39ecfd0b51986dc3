stage_sanitize() { :; }
