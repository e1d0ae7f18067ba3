total = given
