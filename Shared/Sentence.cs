namespace Distributed;

/// <summary>Sentences for a person that quote what a file or a peer said. Compiled into every project that makes some.
/// </summary>
internal static class Sentence
{
    private const int Longest = 800;
    private const int Beginning = 500;

    /// <summary>
    /// The sentence on one line: line breaks and tabs become spaces, other control characters question marks, so that a
    /// name out of a file can't command the terminal; of a very long one the middle is left out, as its beginning says
    /// where and its end what to do.
    /// </summary>
    public static string OneLine(string sentence)
    {
        if (sentence.Length > Longest)
            sentence = $"{sentence[..Beginning]} ... {sentence[^(Longest - Beginning)..]}";
        return sentence.Any(IsControl) ? string.Concat(sentence.Select(Printable)) : sentence;
    }

    // The two separators of Unicode end a line, too.
    private static bool IsControl(char letter) => char.IsControl(letter) || letter is '\u2028' or '\u2029';

    private static char Printable(char letter) =>
        !IsControl(letter) ? letter : char.IsWhiteSpace(letter) ? ' ' : '?';
}
