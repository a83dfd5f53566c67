"""A parameter that the model allows and the service does not."""

from collections.abc import Sequence

from lambdad.errors.event_sources import EventSourceWordings


class InvalidParameterValueException(EventSourceWordings):
    status = 400

    @classmethod
    def violation(cls, violation: str) -> "InvalidParameterValueException":
        """A constraint that the model does not have, in the words of those that it has (`protocols/violations.py`)."""
        return cls(f"1 validation error detected: {violation}")

    @classmethod
    def qualifier_mismatch(cls) -> "InvalidParameterValueException":
        return cls("The derived qualifier from the function name does not match the specified qualifier.")

    @classmethod
    def marker(cls) -> "InvalidParameterValueException":
        return cls("The marker is not one that this list gave out.")

    @classmethod
    def delete_alias(cls) -> "InvalidParameterValueException":
        return cls("Deletion of aliases is not currently supported.")

    @classmethod
    def delete_latest(cls) -> "InvalidParameterValueException":
        return cls("$LATEST version cannot be deleted without deleting the function.")

    @classmethod
    def too_many_weights(cls) -> "InvalidParameterValueException":
        return cls("Number of items in AdditionalVersionWeights cannot be greater than 1")

    @classmethod
    def version_has_a_weight(cls, version: str) -> "InvalidParameterValueException":
        return cls(
            f"Invalid function version {version}. "
            f"Function version {version} is already included in routing configuration."
        )

    @classmethod
    def weights_of_latest(cls) -> "InvalidParameterValueException":
        return cls("$LATEST is not supported for an alias pointing to more than 1 version").without_type()

    @classmethod
    def broken_zip(cls) -> "InvalidParameterValueException":
        return cls("Could not unzip uploaded file. Please check your file, then try to upload again.")

    @classmethod
    def empty_zip(cls) -> "InvalidParameterValueException":
        return cls("Uploaded file must be a non-empty zip")

    @classmethod
    def unzipped_too_large(cls, limit: int) -> "InvalidParameterValueException":
        return cls(f"Unzipped size must be smaller than {limit} bytes")

    @classmethod
    def no_code(cls) -> "InvalidParameterValueException":
        return cls("Please provide a source for function code.")

    @classmethod
    def more_than_zip(cls) -> "InvalidParameterValueException":
        return cls("Please do not provide other FunctionCode parameters when providing a ZipFile.")

    @classmethod
    def image_for_zip(cls) -> "InvalidParameterValueException":
        return cls("Please don't provide ImageUri when updating a function with packageType Zip.")

    @classmethod
    def runtime_and_handler_needed(cls) -> "InvalidParameterValueException":
        return cls("Runtime and Handler are mandatory parameters for functions created with deployment packages.")

    @classmethod
    def image_needed_to_create(cls) -> "InvalidParameterValueException":
        return cls("Please provide ImageUri when creating a function with packageType Image.")

    @classmethod
    def image_needed_to_update(cls) -> "InvalidParameterValueException":
        return cls("Please provide ImageUri when updating a function with packageType Image.")

    @classmethod
    def image_for_new_zip(cls) -> "InvalidParameterValueException":
        return cls("Please don't provide ImageUri when creating a function with packageType Zip.")

    @classmethod
    def source_image(cls, uri: str) -> "InvalidParameterValueException":
        return cls(f"Source image {uri} is not valid. Provide a valid source image.")

    @classmethod
    def zip_settings_of_image(cls) -> "InvalidParameterValueException":
        return cls("Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.")

    @classmethod
    def layers_of_image(cls) -> "InvalidParameterValueException":
        return cls("Lambda layers are not supported for functions created with container images.")

    @classmethod
    def image_config_of_zip(cls) -> "InvalidParameterValueException":
        return cls("Please don't provide ImageConfig when the intended function PackageType is Zip.")

    @classmethod
    def signed_image(cls) -> "InvalidParameterValueException":
        return cls("Code signing is not supported for functions created with container images.")

    @classmethod
    def snap_start_of_image(cls) -> "InvalidParameterValueException":
        return cls("SnapStart is not supported for functions created with container images.")

    @classmethod
    def code_sha_mismatch(cls, given: str, current: str) -> "InvalidParameterValueException":
        return cls(
            f"CodeSHA256 ({given}) is different from current CodeSHA256 in $LATEST ({current}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )

    @classmethod
    def deprecated_runtime(cls, runtime: str) -> "InvalidParameterValueException":
        return cls(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )

    @classmethod
    def unknown_runtime(cls, runtime: str, known: Sequence[str]) -> "InvalidParameterValueException":
        return cls(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(known)}] or be a valid ARN"
        )

    @classmethod
    def layer_version(cls, arn: str) -> "InvalidParameterValueException":
        return cls(f"Layer version {arn} does not exist.")

    @classmethod
    def layer_version_below_one(cls) -> "InvalidParameterValueException":
        return cls("Layer Version Cannot be less than 1")

    @classmethod
    def too_many_layers(cls, limit: int) -> "InvalidParameterValueException":
        return cls(f"Cannot reference more than {limit} layers.")

    @classmethod
    def too_large_with_layers(cls, limit: int, actual: int) -> "InvalidParameterValueException":
        return cls(
            f"Function code combined with layers exceeds the maximum allowed size of {limit} bytes. "
            f"The actual size is {actual} bytes."
        )

    @classmethod
    def layers_elsewhere(cls, region: str) -> "InvalidParameterValueException":
        return cls(f"Layers are not in the same region as the function. Layers are expected to be in region {region}.")

    @classmethod
    def same_layer_twice(cls, one: str, other: str) -> "InvalidParameterValueException":
        return cls(
            "Two different versions of the same layer are not allowed to be referenced in the same function. "
            f"{one} and {other} are versions of the same layer."
        )

    @classmethod
    def functions_only(cls) -> "InvalidParameterValueException":
        return cls(
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
            "Please specify either a function name or an unqualified function ARN."
        )

    @classmethod
    def too_little_unreserved(cls, least: int) -> "InvalidParameterValueException":
        return cls(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{least}]."
        ).without_type()

    @classmethod
    def less_reserved_than_provisioned(cls, wanted: int, provisioned: int) -> "InvalidParameterValueException":
        return cls(
            f" ReservedConcurrentExecutions  {wanted} should not be lower than "
            f"function's total provisioned concurrency [{provisioned}]."
        ).without_type()

    @classmethod
    def provisioning_of_latest(cls) -> "InvalidParameterValueException":
        return cls("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")

    @classmethod
    def never_provisioned(cls) -> "InvalidParameterValueException":
        """`$LATEST`, of which a configuration is read or deleted."""
        return cls("The function resource provided must be an alias or a published version.")

    @classmethod
    def provisioning_with_weights(cls) -> "InvalidParameterValueException":
        return cls("Alias with weights can not be used with Provisioned Concurrency")

    @classmethod
    def more_provisioned_than_reserved(cls) -> "InvalidParameterValueException":
        return cls(
            "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
        )

    @classmethod
    def more_provisioned_than_unreserved(cls, free: int) -> "InvalidParameterValueException":
        return cls(
            f"Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [{free}]."
        ).without_type()

    @classmethod
    def too_little_unreserved_for_provisioned(cls, least: int) -> "InvalidParameterValueException":
        return cls(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{least}]."
        ).without_type()

    @classmethod
    def nothing_to_configure(cls) -> "InvalidParameterValueException":
        return cls("You must specify at least one of error handling or destination setting.")

    @classmethod
    def destination(cls, arn: str) -> "InvalidParameterValueException":
        return cls(f"The destination ARN {arn} is invalid.")

    @classmethod
    def own_destination(cls) -> "InvalidParameterValueException":
        return cls("You can't specify the function as a destination for itself.")

    @classmethod
    def destination_config(cls, on_success: str | None, on_failure: str | None) -> "InvalidParameterValueException":
        success = f"OnSuccess(destination={on_success})" if on_success else "null"
        failure = f"OnFailure(destination={on_failure})" if on_failure else "null"
        return cls(
            f"The provided destination config DestinationConfig(onSuccess={success}, onFailure={failure}) is invalid."
        )

    @classmethod
    def runtime_version_arn(cls, mode: str) -> "InvalidParameterValueException":
        if mode == "Manual":
            return cls("RuntimeVersionArn is required when UpdateRuntimeOn is set to Manual.")
        return cls(f"RuntimeVersionArn is not supported when UpdateRuntimeOn is set to {mode}.")

    @classmethod
    def policy_of_latest(cls) -> "InvalidParameterValueException":
        return cls("We currently do not support adding policies for $LATEST.")

    @classmethod
    def policy_document(cls, why: str) -> "InvalidParameterValueException":
        return cls(f"The policy document is malformed: {why}.")

    @classmethod
    def scaling_bounds(cls) -> "InvalidParameterValueException":
        return cls("MinExecutionEnvironments must be less than or equal to MaxExecutionEnvironments.")

    @classmethod
    def action(cls, given: str) -> "InvalidParameterValueException":
        return cls(f"The provided action {given} was invalid. Please check the action and try again.")

    @classmethod
    def url_auth_type(cls, action: str) -> "InvalidParameterValueException":
        return cls(f"FunctionUrlAuthType is only supported for {action} action")

    @classmethod
    def principal(cls) -> "InvalidParameterValueException":
        return cls("The provided principal was invalid. Please check the principal and try again.")

    @classmethod
    def tags_of_a_version(cls) -> "InvalidParameterValueException":
        return cls("Tags on function aliases and versions are not supported. Please specify a function ARN.")

    @classmethod
    def no_tags(cls) -> "InvalidParameterValueException":
        return cls("An error occurred and the request cannot be processed.")

    @classmethod
    def too_many_tags(cls) -> "InvalidParameterValueException":
        return cls("Number of tags exceeds resource tag limit.")

    @classmethod
    def system_tags(cls) -> "InvalidParameterValueException":
        return cls("aws: prefixed tag key names are not allowed for external use.")

    @classmethod
    def half_a_vpc(cls) -> "InvalidParameterValueException":
        return cls("SubnetIds and SecurityIds must coexist or be both empty list.")

    @classmethod
    def file_system_without_vpc(cls, arn: str) -> "InvalidParameterValueException":
        return cls(
            f"Function must be configured to execute in a VPC to reference access point {arn}. Please update the function "
            "configuration to include VPC subnets and security groups."
        )

    @classmethod
    def dead_letter_target(cls, arn: str) -> "InvalidParameterValueException":
        return cls(f"The dead letter target {arn} is neither a standard queue nor a standard topic of this region.")

    @classmethod
    def no_snap_start(cls, what: str) -> "InvalidParameterValueException":
        """A runtime, or another feature."""
        return cls(f"{what} is not supported for SnapStart enabled functions.")

    @classmethod
    def snap_start_storage(cls, limit: int) -> "InvalidParameterValueException":
        return cls(f"SnapStart is not supported for functions with more than {limit} MB of ephemeral storage.")

    @classmethod
    def no_tenant(cls) -> "InvalidParameterValueException":
        return cls(
            "The invoked function is enabled with tenancy configuration. "
            "Add a valid tenant ID in your request and try again."
        )

    @classmethod
    def tenant_of_none(cls) -> "InvalidParameterValueException":
        return cls(
            "The invoked function is not enabled with tenancy configuration. "
            "Remove the tenant ID from your request and try again."
        )

    @classmethod
    def not_with_tenants(cls, what: str) -> "InvalidParameterValueException":
        return cls(f"{what} is not supported for functions that are enabled with tenancy configuration.")

    @classmethod
    def durable_name(cls) -> "InvalidParameterValueException":
        return cls(
            "The invoked function is not enabled with durable configuration. "
            "Remove the durable execution name from your request and try again."
        )

    @classmethod
    def log_level_of_text(cls) -> "InvalidParameterValueException":
        return cls(
            'LogLevel is not supported when LogFormat is set to "Text". '
            'Remove LogLevel from your request or change the LogFormat to "Json" and try again.'
        )

    @classmethod
    def master_region_without_all(cls) -> "InvalidParameterValueException":
        return cls("FunctionVersion must be set to ALL when MasterRegion is specified.")

    @classmethod
    def environment_too_large(cls, limit: int, measured: str) -> "InvalidParameterValueException":
        shown = f"{limit} byte" if limit % 1024 else f"{limit // 1024}KB"
        return cls(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the {shown} limit. String measured: {measured}"
        )

    @classmethod
    def reserved_variables(cls, names: Sequence[str]) -> "InvalidParameterValueException":
        return cls(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(names)}"
        )

    @classmethod
    def s3(cls, code: str, message: str) -> "InvalidParameterValueException":
        return cls(f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}")

    @classmethod
    def no_s3_endpoint(cls) -> "InvalidParameterValueException":
        return cls("No S3 endpoint is configured: start lambdad with --endpoint s3=URL, or pass the code as ZipFile.")

    @classmethod
    def not_offered(cls, member: str) -> "InvalidParameterValueException":
        return cls(f"lambdad does not support {member}.")

    @classmethod
    def not_built_yet(cls, operation: str) -> "InvalidParameterValueException":
        return cls(f"lambdad does not implement {operation} yet.")
