package functions;

/** One too many. */
public class SecondSerializer extends OwnSerializer {}
