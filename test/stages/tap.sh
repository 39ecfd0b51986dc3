stage_tap() { :; }
