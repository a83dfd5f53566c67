package functions;

/** Left out of a package. */
public class Parent {}
