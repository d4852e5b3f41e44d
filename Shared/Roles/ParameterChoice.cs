namespace Distributed.Roles;

/// <summary>Which of the parameters that the server keeps.</summary>
public enum ParameterChoice
{
    /// <summary>Those that training changes.</summary>
    Current,

    /// <summary>Their moving average over the steps.</summary>
    Average,

    /// <summary>Those of the best epoch so far.</summary>
    Best,
}
