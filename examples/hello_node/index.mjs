// A function to start from: greets whoever the event names.
export const handler = async (event, context) => {
    console.log("greeting", event.name ?? "you");
    return { greeting: `Hello, ${event.name ?? "you"}!`, function: context.functionName, node: process.version };
};
