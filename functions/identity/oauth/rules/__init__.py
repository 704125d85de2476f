"""What a sign-in through somebody else may become. Pure decisions."""
