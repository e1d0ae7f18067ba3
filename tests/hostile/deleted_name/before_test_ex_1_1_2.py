del mean
